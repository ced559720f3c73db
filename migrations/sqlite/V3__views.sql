-- The public face: what dashboards should read.

create view failure_details as
-- A failure with its person, flat: where BI tools start.
select f.failure_id, f.account, f.source, f.created_at,
       f.user_id, u.email, u.username, u.firstname, u.lastname,
       f.operation, f.app_id, f.app_name, f.event_type_id, f.description, f.error_description,
       f.login_id, f.source_id, f.first_seen_at, f.synced_at
from provisioning_failures f
left join users u on u.account = f.account and u.user_id = f.user_id;

create view failures_daily as
-- Failures and the people they hit, per UTC day.
select account, source, substr(created_at, 1, 10) as day,
       count(*) as failures, count(distinct user_id) as people
from provisioning_failures
group by 1, 2, 3;

create view sync_health as
-- Is the sync alive? Age of the mark, the last run, open rejects.
select w.account, w.source, w.high_water_mark, w.scanned_through,
       cast(strftime('%s', 'now') as integer) - strftime('%s', w.high_water_mark) as mark_age_seconds,
       cast(strftime('%s', 'now') as integer) - strftime('%s', w.scanned_through) as scan_age_seconds,
       r.run_id as last_run_id, r.status as last_run_status,
       r.started_at as last_run_started_at, r.finished_at as last_run_finished_at,
       r.exit_code as last_run_exit_code, r.error as last_run_error,
       (select count(*) from rejected_records j
        where j.account = w.account and j.source = w.source and j.replayed_at is null) as open_rejects
from watermarks w
left join sync_runs r on r.run_id = (
    select n.run_id from sync_runs n
    where n.account = w.account and n.source = w.source
    order by n.started_at desc, n.run_id desc limit 1
);
