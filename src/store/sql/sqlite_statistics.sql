-- As in the migration (V13): what an index had is deleted with it.
delete from sqlite_stat1
where tbl in ('provisioning_cases', 'provisioning_failures', 'provisioning_successes', 'failures_by_day');
insert into sqlite_stat1 (tbl, idx, stat) values
    ('provisioning_cases', 'sqlite_autoindex_provisioning_cases_1', '1000000 1000000 1'),
    ('provisioning_cases', 'provisioning_cases_by_user', '1000000 1000000 20 5 2 1'),
    ('provisioning_cases', 'provisioning_cases_by_time', '1000000 1000000 2 1 1 1 1 1 1 1 1 1 1'),
    ('provisioning_cases', 'provisioning_cases_by_app', '1000000 1000000 20000 20000 4000 2 2 2 2'),
    ('provisioning_failures', 'sqlite_autoindex_provisioning_failures_1', '1000000 1000000 1'),
    ('provisioning_failures', 'provisioning_failures_by_time', '1000000 1000000 2 1 1 1 1 1 1 1 1 1'),
    ('provisioning_failures', 'provisioning_failures_by_user', '1000000 1000000 20 5 1'),
    ('provisioning_successes', 'sqlite_autoindex_provisioning_successes_1', '1000000 1000000 1'),
    ('provisioning_successes', 'provisioning_successes_by_time', '1000000 1000000 2 1 1 1 1 1 1'),
    ('provisioning_successes', 'provisioning_successes_by_user', '1000000 1000000 20 1'),
    ('failures_by_day', 'sqlite_autoindex_failures_by_day_1', '500000 500000 1500 40 8 1'),
    ('failures_by_day', 'failures_by_day_by_app', '500000 500000 12500 2500 8 4 2 2 2');
