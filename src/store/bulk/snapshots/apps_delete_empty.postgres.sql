delete from apps_by_day
where (account, day, app_id, app_name) in (select * from unnest($1,$2,$3,$4)) and failures = 0
