insert into apps_by_day (account, day, app_id, app_name, failures) select * from unnest($1,$2,$3,$4,$5)
on conflict (account, day, app_id, app_name) do update set
    failures = apps_by_day.failures + excluded.failures

-- New rows:
copy apps_by_day (account, day, app_id, app_name, failures) from stdin (format binary)
