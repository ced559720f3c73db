delete from failures_by_day where account = $1
