delete from apps_by_day
where (account, day, app_id, app_name) in (values /*rows*/) and failures = 0
