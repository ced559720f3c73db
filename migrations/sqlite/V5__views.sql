-- What dashboards read, now across the sources. Columns are added behind those that were there.

create view failure_details as
-- A failure with its person, flat: where BI tools start.
select f.failure_id, f.account, f.source, f.created_at,
       f.user_id, u.email, u.username, u.firstname, u.lastname,
       f.operation, f.app_id, f.app_name, f.event_type_id, f.description, f.error_description,
       f.login_id, f.source_id, f.first_seen_at, f.synced_at,
       u.display_name, f.operation_source, f.solved, f.resolved_at, f.resolution
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

-- A failure of a lesser source is left out when a better one has its equal. Equals are counted: of two
-- that look the same and one equal, one is left out.
create view failures as
-- Each failure once, with its person, whichever sources have it: events before legacy before webhook.
select d.*
from failure_details d
where not exists (
    select 1 from provisioning_failures b
    where b.account = d.account
      and b.source < d.source
      and b.user_id is d.user_id
      and b.operation = d.operation
      and (b.app_name = d.app_name or b.app_name is null or d.app_name is null)
      and b.created_at between replace(strftime('%Y-%m-%dT%H:%M:%f', d.created_at, '-1 second'), '.000', '')
                           and strftime('%Y-%m-%dT%H:%M:%f', d.created_at, '+1 second') || '+00:00'
    group by b.source
    having count(*) >= (
        select count(*) from provisioning_failures s
        where s.account = d.account
          and s.source = d.source
          and s.user_id is d.user_id
          and s.operation = d.operation
          and s.app_name is d.app_name
          and s.created_at between replace(strftime('%Y-%m-%dT%H:%M:%f', d.created_at, '-1 second'), '.000', '')
                               and strftime('%Y-%m-%dT%H:%M:%f', d.created_at, '+1 second') || '+00:00'
          and s.failure_id <= d.failure_id
    )
);

create view open_failures as
-- Failures that no later success of the same person, app and operation has closed.
select f.*
from failures f
where f.solved is not true
  and not exists (
    select 1 from provisioning_successes s
    where s.account = f.account
      and s.user_id = f.user_id
      and s.created_at > f.created_at
      and (s.app_id = f.app_id
           or ((s.app_id is null or f.app_id is null) and s.app_name = f.app_name))
      and (s.operation = f.operation
           or f.operation = 'unknown'
           or (f.operation = 'suspend' and s.operation = 'delete'))
);
