delete from apps_by_day where account = $1 and day >= $2 and day <= $3
