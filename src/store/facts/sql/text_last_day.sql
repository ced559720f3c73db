select day from failures_by_day where account = $1 and error_fingerprint = $2 and failures > 0 order by day desc limit 1
