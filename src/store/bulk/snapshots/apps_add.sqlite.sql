insert into apps_by_day (account, day, app_id, app_name, failures) values (?,?,?,?,?), (?,?,?,?,?)
on conflict (account, day, app_id, app_name) do update set
    failures = apps_by_day.failures + excluded.failures

-- New rows:
insert or fail into apps_by_day (account, day, app_id, app_name, failures) values (?,?,?,?,?), (?,?,?,?,?)
