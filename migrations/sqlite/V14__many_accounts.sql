-- The numbers by which SQLite plans are those of an account with a million failures among twenty. By those of one account
-- alone, as in V13, it read the rows of all accounts for a question about one.
delete from sqlite_stat1
where tbl in ('provisioning_cases', 'provisioning_failures', 'provisioning_successes', 'failures_by_day');
insert into sqlite_stat1 (tbl, idx, stat) values
    ('provisioning_cases', 'sqlite_autoindex_provisioning_cases_1', '20000000 1000000 1'),
    ('provisioning_cases', 'provisioning_cases_by_user', '20000000 1000000 20 5 2 1 1 1'),
    ('provisioning_cases', 'provisioning_cases_by_time', '20000000 1000000 2 1 1 1 1 1 1 1 1 1 1 sz=100'),
    ('provisioning_cases', 'provisioning_cases_by_app', '20000000 1000000 20000 20000 4000 2 2 2 2 sz=100'),
    ('provisioning_failures', 'sqlite_autoindex_provisioning_failures_1', '20000000 1000000 1'),
    ('provisioning_failures', 'provisioning_failures_by_time', '20000000 1000000 2 1 1 1 1 1 1 1 1 1'),
    ('provisioning_failures', 'provisioning_failures_by_user', '20000000 1000000 20 5 1'),
    ('provisioning_successes', 'sqlite_autoindex_provisioning_successes_1', '20000000 1000000 1'),
    ('provisioning_successes', 'provisioning_successes_by_time', '20000000 1000000 2 1 1 1 1 1 1'),
    ('provisioning_successes', 'provisioning_successes_by_user', '20000000 1000000 20 1'),
    ('failures_by_day', 'sqlite_autoindex_failures_by_day_1', '10000000 500000 1500 40 8 1'),
    ('failures_by_day', 'failures_by_day_by_app', '10000000 500000 12500 2500 8 4 2 2 2');
