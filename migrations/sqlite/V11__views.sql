-- The views of the contract, on the tables of facts. Views over all history read provisioning_cases,
-- failures_by_day or error_texts; the others read at most 30 days of failures and successes.
--   * The time of a question is as_of of account_times, never the clock (but in sync_health).
--   * A number of days before it is written in hours: Postgres takes a day off in the session's time zone.
--   * Differences of times are counted in milliseconds, which are whole. What is added before a division and
--     taken off after it makes negative ones round down too.


drop view open_failures;
drop view failures;
drop view sync_health;
drop view failures_daily;
drop view failure_details;

-- Days and months as rows, so that days without failures appear, and a month is a span of an index.
create table calendar_days (
    -- The days of 2010 to 2049.
    day date not null primary key -- The UTC day
);

create table calendar_months (
    -- The months of 2010 to 2049.
    month date not null primary key, -- First day of the UTC month
    starts_at datetime not null, -- When the month starts
    ends_at datetime not null -- When the next month starts
);

insert into calendar_days (day)
with recursive days (day) as (
    select '2010-01-01' union all select date(day, '+1 day') from days where day < '2049-12-31'
)
select day from days;

insert into calendar_months (month, starts_at, ends_at)
select day, day || ' 00:00:00.000+00:00', date(day, '+1 month') || ' 00:00:00.000+00:00'
from calendar_days where day like '%-01';

-- Successes of a span: the timeline, and hours with many suspensions.
create index provisioning_successes_by_time on provisioning_successes (account, created_at);

-- The apps and operations that ever failed, the days of each and the last one, without the rows of the errors.
create index failures_by_day_by_app
    on failures_by_day (account, app_name, operation, day, failures, opened, resolved, successes);

-- Cases of a month.
create index provisioning_cases_by_time on provisioning_cases (account, opened_at);

-- Counts of cases by app, without their rows.
drop index provisioning_cases_unresolved;
create index provisioning_cases_by_app
    on provisioning_cases (account, app_id, app_name, operation, opened_at, last_failure_at, resolved_at, is_skipped);

-- The cases that a month resolved.
drop index provisioning_cases_by_resolution;
create index provisioning_cases_by_resolution
    on provisioning_cases (account, resolved_at, app_name, operation, opened_at, is_resolution_timed)
    where resolved_at is not null;

-- The unresolved cases of a user, counted in the index.
drop index provisioning_cases_by_user;
create index provisioning_cases_by_user
    on provisioning_cases (account, user_id, operation, resolved_at, last_failure_at);

-- Without numbers SQLite supposes that an account has ten cases. These are of an account with a million.
analyze calendar_months;
delete from sqlite_stat1;
insert into sqlite_stat1 (tbl, idx, stat) values
    ('provisioning_cases', 'sqlite_autoindex_provisioning_cases_1', '1000000 1000000 1'),
    ('provisioning_cases', 'provisioning_cases_by_user', '1000000 1000000 20 5 2 1'),
    ('provisioning_cases', 'provisioning_cases_by_time', '1000000 1000000 2'),
    ('provisioning_cases', 'provisioning_cases_by_app', '1000000 1000000 20000 20000 4000 2 2 2 2'),
    ('provisioning_cases', 'provisioning_cases_by_resolution', '600000 600000 2 2 2 2 2');

-- The first window of a source, and the gaps between windows.
create index sync_windows_by_span on sync_windows (account, source, window_from, window_to);

-- as_of is the greatest scanned_through, else the greatest created_at: ids sort by time, so that is the time of
-- the greatest id. The groups are of one row each: so both databases work the times out once, not per row of a join.
create view account_times as
-- Per account: the time that other views take for now, and times counted from it.
select t.account, t.as_of,
       strftime('%Y-%m-%d %H:%M:%f+00:00', t.as_of, '-1 hours') as from_1_hour,
       strftime('%Y-%m-%d %H:%M:%f+00:00', t.as_of, '-168 hours') as from_7_days,
       strftime('%Y-%m-%d %H:%M:%f+00:00', t.as_of, '-720 hours') as from_30_days,
       strftime('%Y-%m-%d %H:%M:%f+00:00', t.as_of, '-24 hours') as overdue_before,
       date(t.as_of) as as_of_day,
       date(date(t.as_of), '-91 days') as first_filled_day,
       t.successes_from, t.successes_through,
       date(t.successes_from, '+86399.999 seconds') as first_known_day,
       date(date(t.successes_through), '-1 days') as last_known_day
from (
    select a.account,
           case when w.scanned_through is not null then w.scanned_through
                when f.created_at > s.created_at then f.created_at
                else coalesce(s.created_at, f.created_at) end as as_of,
           e.successes_from, e.successes_through
    from accounts a
    left join (
        select account, max(scanned_through) as scanned_through from watermarks group by account
    ) w on w.account = a.account
    left join (
        select f.account, f.created_at
        from accounts a
        cross join provisioning_failures f
        where f.account = a.account and f.failure_id = (
            select n.failure_id from provisioning_failures n
            where n.account = a.account order by n.failure_id desc limit 1
        )
    ) f on f.account = a.account
    left join (
        select s.account, s.created_at
        from accounts a
        cross join provisioning_successes s
        where s.account = a.account and s.success_id = (
            select n.success_id from provisioning_successes n
            where n.account = a.account order by n.success_id desc limit 1
        )
    ) s on s.account = a.account
    left join watermarks e on e.account = a.account and e.source = 'events'
) t
group by t.account, t.as_of, t.successes_from, t.successes_through;

create view failures as
-- Failures, each once, whichever sources have it: with user and error class.
select f.account, f.failure_id, f.source, f.created_at,
       f.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname,
       f.operation, f.operation in ('suspend', 'delete') as is_deprovision, f.app_id, f.app_name,
       f.description, f.error_description,
       coalesce(f.error_fingerprint, '') as error_fingerprint,
       coalesce(e.error_class, 'unknown') as error_class,
       coalesce(e.retryable, 'no') as retryable,
       coalesce(e.recommended_action, 'Read the error in the app''s own log') as recommended_action,
       f.solved as is_solved, f.resolved_at, f.resolution, f.event_type_id, f.source_id, f.login_id,
       f.operation_source, f.first_seen_at, f.synced_at, f.run_id
from provisioning_failures f
left join users u on u.account = f.account and u.user_id = f.user_id
left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
where f.outcome = 'failed' and f.twin_of is null;

create view failure_details as
-- Failures as each source has them, skipped ones and twins too.
select f.account, f.failure_id, f.source, f.created_at,
       f.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname,
       f.operation, f.operation in ('suspend', 'delete') as is_deprovision, f.app_id, f.app_name,
       f.description, f.error_description,
       coalesce(f.error_fingerprint, '') as error_fingerprint,
       coalesce(e.error_class, 'unknown') as error_class,
       coalesce(e.retryable, 'no') as retryable,
       case when f.outcome = 'skipped' then 'Remove the access in the app by hand'
            else coalesce(e.recommended_action, 'Read the error in the app''s own log') end as recommended_action,
       f.solved as is_solved, f.resolved_at, f.resolution, f.event_type_id, f.source_id, f.login_id,
       f.operation_source, f.first_seen_at, f.synced_at, f.run_id,
       f.outcome, f.twin_of, f.twin_of is not null as is_twin
from provisioning_failures f
left join users u on u.account = f.account and u.user_id = f.user_id
left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint;

create view cases as
-- Failures of one user, app and operation until something closes them.
select c.account, c.case_id,
       case when c.resolved_at is not null then 'resolved'
            when c.last_failure_at >= t.successes_from and c.last_failure_at < t.successes_through
            then 'open' else 'unknown' end as status,
       c.user_id, (
           select u.display_name from users u where u.account = c.account and u.user_id = c.user_id
       ) as display_name,
       (
           select u.email from users u where u.account = c.account and u.user_id = c.user_id
       ) as email,
       (
           select u.username from users u where u.account = c.account and u.user_id = c.user_id
       ) as username,
       (
           select u.firstname from users u where u.account = c.account and u.user_id = c.user_id
       ) as firstname,
       (
           select u.lastname from users u where u.account = c.account and u.user_id = c.user_id
       ) as lastname,
       c.operation, c.operation in ('suspend', 'delete') as is_deprovision, c.app_id, c.app_name, c.is_skipped,
       c.opened_at, c.last_failure_at, c.last_failure_id, c.attempts,
       (
           select l.error_description from provisioning_failures l where l.account = c.account and l.failure_id = c.last_failure_id
       ) as error_description,
       coalesce(c.error_fingerprint, '') as error_fingerprint,
       coalesce((
           select e.error_class from error_texts e where e.account = c.account and e.error_fingerprint = c.error_fingerprint
       ), 'unknown') as error_class,
       coalesce((
           select e.retryable from error_texts e where e.account = c.account and e.error_fingerprint = c.error_fingerprint
       ), 'no') as retryable,
       case when c.is_skipped then 'Remove the access in the app by hand'
            else coalesce((
           select e.recommended_action from error_texts e where e.account = c.account and e.error_fingerprint = c.error_fingerprint
       ), 'Read the error in the app''s own log')
            end as recommended_action,
       c.resolved_at, c.resolved_by, (((strftime('%s', c.resolved_at) - strftime('%s', c.opened_at)) * 1000 + substr(c.resolved_at, 21, 3) - substr(c.opened_at, 21, 3)) + 1000000000000000) / 1000 - 1000000000000 as resolve_seconds,
       (((strftime('%s', coalesce(c.resolved_at, t.as_of)) - strftime('%s', c.opened_at)) * 1000 + substr(coalesce(c.resolved_at, t.as_of), 21, 3) - substr(c.opened_at, 21, 3)) + 36000000000000) / 3600000 - 10000000 as hours_open
from provisioning_cases c
cross join account_times t
where t.account = c.account;

create view open_cases as
-- Cases that nothing has closed: open, or unknown where successes are not known.
select c.account, c.case_id,
       case when c.last_failure_at >= t.successes_from and c.last_failure_at < t.successes_through
            then 'open' else 'unknown' end as status,
       c.user_id, (
           select u.display_name from users u where u.account = c.account and u.user_id = c.user_id
       ) as display_name,
       (
           select u.email from users u where u.account = c.account and u.user_id = c.user_id
       ) as email,
       (
           select u.username from users u where u.account = c.account and u.user_id = c.user_id
       ) as username,
       (
           select u.firstname from users u where u.account = c.account and u.user_id = c.user_id
       ) as firstname,
       (
           select u.lastname from users u where u.account = c.account and u.user_id = c.user_id
       ) as lastname,
       c.operation, c.operation in ('suspend', 'delete') as is_deprovision, c.app_id, c.app_name, c.is_skipped,
       c.opened_at, c.last_failure_at, c.last_failure_id, c.attempts,
       (
           select l.error_description from provisioning_failures l where l.account = c.account and l.failure_id = c.last_failure_id
       ) as error_description,
       coalesce(c.error_fingerprint, '') as error_fingerprint,
       coalesce((
           select e.error_class from error_texts e where e.account = c.account and e.error_fingerprint = c.error_fingerprint
       ), 'unknown') as error_class,
       coalesce((
           select e.retryable from error_texts e where e.account = c.account and e.error_fingerprint = c.error_fingerprint
       ), 'no') as retryable,
       case when c.is_skipped then 'Remove the access in the app by hand'
            else coalesce((
           select e.recommended_action from error_texts e where e.account = c.account and e.error_fingerprint = c.error_fingerprint
       ), 'Read the error in the app''s own log')
            end as recommended_action,
       (((strftime('%s', t.as_of) - strftime('%s', c.opened_at)) * 1000 + substr(t.as_of, 21, 3) - substr(c.opened_at, 21, 3)) + 36000000000000) / 3600000 - 10000000 as hours_open
from provisioning_cases c
cross join account_times t
where t.account = c.account and c.resolved_at is null;

-- The failures since the first one of a case that nothing has closed. One with an app id belongs to the case of that
-- id, and else to a case without an id by name.
create view open_failures as
-- Failures of the cases that nothing has closed.
select f.account, f.failure_id, f.source, f.created_at,
       f.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname,
       f.operation, f.operation in ('suspend', 'delete') as is_deprovision, f.app_id, f.app_name,
       f.description, f.error_description,
       coalesce(f.error_fingerprint, '') as error_fingerprint,
       coalesce(e.error_class, 'unknown') as error_class,
       coalesce(e.retryable, 'no') as retryable,
       coalesce(e.recommended_action, 'Read the error in the app''s own log') as recommended_action,
       f.solved as is_solved, f.resolved_at, f.resolution, f.event_type_id, f.source_id, f.login_id,
       f.operation_source, f.first_seen_at, f.synced_at, f.run_id,
       c.case_id,
       case when c.last_failure_at >= t.successes_from and c.last_failure_at < t.successes_through
            then 'open' else 'unknown' end as case_status
from account_times t
cross join provisioning_failures f
cross join provisioning_cases c
left join users u on u.account = f.account and u.user_id = f.user_id
left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
where f.account = t.account and f.outcome = 'failed' and f.twin_of is null
  and c.account = f.account and c.user_id = f.user_id and c.operation = f.operation
  and c.resolved_at is null and not c.is_skipped and c.opened_at <= f.created_at and c.case_id <= f.failure_id
  and (f.app_id = c.app_id
       or (c.app_id is null and f.app_name = c.app_name)
       or (c.app_id is null and f.app_id is null and f.app_name is null and c.app_name is null))
  and not exists (
      select 1 from provisioning_cases o
      where o.account = c.account and o.user_id = c.user_id and o.operation = c.operation
        and o.app_id = f.app_id and c.app_id is null and o.resolved_at is null and not o.is_skipped
        and o.opened_at <= f.created_at
  );

create view outstanding_deprovisioning as
-- Users who may still have access: cases of suspend and delete that nothing has closed.
select c.account, c.case_id,
       case when c.last_failure_at >= t.successes_from and c.last_failure_at < t.successes_through
            then 'open' else 'unknown' end as status,
       case when c.is_skipped then 'do_nothing' else 'failed' end as reason,
       c.user_id, (
           select u.display_name from users u where u.account = c.account and u.user_id = c.user_id
       ) as display_name,
       (
           select u.email from users u where u.account = c.account and u.user_id = c.user_id
       ) as email,
       (
           select u.username from users u where u.account = c.account and u.user_id = c.user_id
       ) as username,
       (
           select u.firstname from users u where u.account = c.account and u.user_id = c.user_id
       ) as firstname,
       (
           select u.lastname from users u where u.account = c.account and u.user_id = c.user_id
       ) as lastname,
       c.operation, c.app_id, c.app_name,
       c.opened_at, strftime('%Y-%m-%d %H:%M:%f+00:00', c.opened_at, '+24 hours') as due_at, c.opened_at < t.overdue_before as is_overdue,
       (((strftime('%s', t.as_of) - strftime('%s', c.opened_at)) * 1000 + substr(t.as_of, 21, 3) - substr(c.opened_at, 21, 3)) + 36000000000000) / 3600000 - 10000000 as hours_open, c.last_failure_at, c.attempts,
       (
           select l.error_description from provisioning_failures l where l.account = c.account and l.failure_id = c.last_failure_id
       ) as error_description,
       coalesce(c.error_fingerprint, '') as error_fingerprint,
       coalesce((
           select e.error_class from error_texts e where e.account = c.account and e.error_fingerprint = c.error_fingerprint
       ), 'unknown') as error_class,
       coalesce((
           select e.retryable from error_texts e where e.account = c.account and e.error_fingerprint = c.error_fingerprint
       ), 'no') as retryable,
       case when c.is_skipped then 'Remove the access in the app by hand'
            else coalesce((
           select e.recommended_action from error_texts e where e.account = c.account and e.error_fingerprint = c.error_fingerprint
       ), 'Read the error in the app''s own log')
            end as recommended_action,
       t.as_of
from provisioning_cases c
cross join account_times t
where t.account = c.account and c.resolved_at is null and c.operation in ('suspend', 'delete');

create view retry_list as
-- Cases that nothing has closed and that another attempt may close.
select c.account, c.case_id,
       case when c.last_failure_at >= t.successes_from and c.last_failure_at < t.successes_through
            then 'open' else 'unknown' end as status,
       c.app_id, c.app_name, c.operation, c.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname,
       e.retryable, e.error_class, e.recommended_action, c.last_failure_at, c.attempts
from provisioning_cases c
cross join account_times t
join error_texts e on e.account = c.account and e.error_fingerprint = c.error_fingerprint
left join users u on u.account = c.account and u.user_id = c.user_id
where t.account = c.account and c.resolved_at is null and e.retryable in ('yes', 'later');

create view failures_daily as
-- Failures and cases per UTC day, app and operation; the last 92 days without a gap.
select account, day, nullif(app_name, '') as app_name, operation,
       cast(sum(failures) as bigint) as failures, cast(sum(opened) as bigint) as opened,
       cast(sum(resolved) as bigint) as resolved
from failures_by_day
where failures > 0 or opened > 0 or resolved > 0
group by account, day, app_name, operation
union all
select p.account, d.day, nullif(p.app_name, ''), p.operation, 0, 0, 0
from (
    select account, app_name, operation from failures_by_day
    where failures > 0 or opened > 0
    group by account, app_name, operation
) p
cross join account_times t
cross join calendar_days d
where t.account = p.account and d.day >= t.first_filled_day and d.day <= t.as_of_day
  and not exists (
      select 1 from failures_by_day f
      where f.account = p.account and f.day = d.day and f.app_name = p.app_name and f.operation = p.operation
        and (f.failures > 0 or f.opened > 0 or f.resolved > 0)
  );

-- Days after as_of, which only a wrong clock can give, count on the last day.
create view backlog_daily as
-- Cases that nothing has closed, at the end of each day of failures_daily.
select b.account, b.day, nullif(b.app_name, '') as app_name, b.operation,
       b.operation in ('suspend', 'delete') as is_deprovision,
       cast(b.unresolved + case when b.day = t.as_of_day then coalesce(l.change, 0) else 0 end as bigint)
           as unresolved_at_end,
       coalesce(b.day >= t.first_known_day and b.day <= t.last_known_day, false) as is_known
from (
    select account, day, app_name, operation,
           sum(change) over (partition by account, app_name, operation order by day) as unresolved
    from (
        select account, day, app_name, operation, sum(opened - resolved) as change
        from failures_by_day
        where failures > 0 or opened > 0 or resolved > 0
        group by account, day, app_name, operation
        union all
        select p.account, d.day, p.app_name, p.operation, 0
        from (
            select account, app_name, operation from failures_by_day
            where failures > 0 or opened > 0
            group by account, app_name, operation
        ) p
        cross join account_times t
        cross join calendar_days d
        where t.account = p.account and d.day >= t.first_filled_day and d.day <= t.as_of_day
          and not exists (
              select 1 from failures_by_day f
              where f.account = p.account and f.day = d.day and f.app_name = p.app_name and f.operation = p.operation
                and (f.failures > 0 or f.opened > 0 or f.resolved > 0)
          )
    ) c
) b
join account_times t on t.account = b.account and b.day <= t.as_of_day
left join (
    select t.account, f.app_name, f.operation, sum(f.opened - f.resolved) as change
    from account_times t
    cross join failures_by_day f
    where f.account = t.account and f.day > t.as_of_day
    group by t.account, f.app_name, f.operation
) l on l.account = b.account and l.app_name = b.app_name and l.operation = b.operation;

create view success_rate as
-- Successful attempts per UTC day, app and operation, for days of which every success is known.
select d.account, d.day, nullif(d.app_name, '') as app_name, d.operation,
       cast(d.successes + d.failures as bigint) as attempts, cast(d.successes as bigint) as successes,
       cast(d.failures as bigint) as failures, cast(d.skipped as bigint) as skipped,
       cast((20000 * d.successes + d.successes + d.failures) / (2 * (d.successes + d.failures))
            as double precision) / 10000 as success_rate
from (
    select account, day, app_name, operation,
           cast(sum(successes) as bigint) as successes, cast(sum(failures) as bigint) as failures,
           cast(sum(skipped) as bigint) as skipped
    from failures_by_day
    group by account, day, app_name, operation
) d
join account_times t on t.account = d.account and d.day >= t.first_known_day and d.day <= t.last_known_day
where d.successes + d.failures > 0;

-- An app is its id, else its name; it has the name of its last failure. Sums are windows over a few rows per app:
-- unlike groups, they let SQLite begin with the account.
create view failures_by_app as
-- Apps that failed, with their last 30 days and unresolved cases.
select account, app_id, app_name,
       cast(failures_7_days as bigint) as failures_7_days, cast(failures_30_days as bigint) as failures_30_days,
       cast(people_30_days as bigint) as people_30_days,
       cast(open_cases as bigint) as open_cases, cast(unknown_cases as bigint) as unknown_cases, last_failure_at
from (
    select account, app_id, app_name,
           sum(failures_7_days) over (partition by account, app_id, app_key) as failures_7_days,
           sum(failures_30_days) over (partition by account, app_id, app_key) as failures_30_days,
           sum(people_30_days) over (partition by account, app_id, app_key) as people_30_days,
           sum(open_cases) over (partition by account, app_id, app_key) as open_cases,
           sum(unknown_cases) over (partition by account, app_id, app_key) as unknown_cases,
           max(last_failure_at) over (partition by account, app_id, app_key) as last_failure_at,
           row_number() over (
               partition by account, app_id, app_key
               order by last_failure_at desc nulls last, app_name desc nulls last
           ) as place
    from (
        select t.account, f.app_id, f.app_name, case when f.app_id is null then f.app_name end as app_key,
               sum(case when f.created_at >= t.from_7_days then 1 else 0 end) as failures_7_days,
               count(*) as failures_30_days, 0 as people_30_days, 0 as open_cases, 0 as unknown_cases,
               max(f.created_at) as last_failure_at
        from account_times t
        cross join provisioning_failures f
        where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
          and f.outcome = 'failed' and f.twin_of is null
        group by t.account, f.app_id, f.app_name
        union all
        select t.account, f.app_id, case when f.app_id is null then f.app_name end, case when f.app_id is null then f.app_name end,
               0, 0, count(distinct f.user_id), 0, 0, null
        from account_times t
        cross join provisioning_failures f
        where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
          and f.outcome = 'failed' and f.twin_of is null
        group by t.account, f.app_id, case when f.app_id is null then f.app_name end
        union all
        select c.account, c.app_id, c.app_name, case when c.app_id is null then c.app_name end, 0, 0, 0,
               sum(case when c.resolved_at is null and c.last_failure_at >= t.successes_from and c.last_failure_at < t.successes_through
                   then 1 else 0 end),
               sum(case when c.resolved_at is null then 1 else 0 end)
                   - sum(case when c.resolved_at is null and c.last_failure_at >= t.successes_from and c.last_failure_at < t.successes_through
                         then 1 else 0 end),
               max(case when not c.is_skipped then c.last_failure_at end)
        from provisioning_cases c
        cross join account_times t
        where t.account = c.account
        group by c.account, c.app_id, c.app_name
    ) p
) n
where place = 1;

create view failures_by_error_class as
-- Error classes, with their last 30 days.
select account, error_class, retryable, recommended_action,
       cast(failures_7_days as bigint) as failures_7_days, cast(failures_30_days as bigint) as failures_30_days,
       cast(people_30_days as bigint) as people_30_days, cast(apps_30_days as bigint) as apps_30_days, last_failure_at
from (
    select account, error_class, retryable,
           max(recommended_action) over (partition by account, error_class, retryable) as recommended_action,
           sum(failures_7_days) over (partition by account, error_class, retryable) as failures_7_days,
           sum(failures_30_days) over (partition by account, error_class, retryable) as failures_30_days,
           sum(people_30_days) over (partition by account, error_class, retryable) as people_30_days,
           sum(apps_30_days) over (partition by account, error_class, retryable) as apps_30_days,
           max(last_failure_at) over (partition by account, error_class, retryable) as last_failure_at,
           row_number() over (partition by account, error_class, retryable order by failures_30_days) as place
    from (
        select t.account, coalesce(e.error_class, 'unknown') as error_class,
               coalesce(e.retryable, 'no') as retryable,
               max(coalesce(e.recommended_action, 'Read the error in the app''s own log')) as recommended_action,
               sum(case when f.created_at >= t.from_7_days then 1 else 0 end) as failures_7_days,
               count(*) as failures_30_days, count(distinct f.user_id) as people_30_days,
               count(distinct f.app_id) + count(distinct case when f.app_id is null then f.app_name end) as apps_30_days,
               max(f.created_at) as last_failure_at
        from account_times t
        cross join provisioning_failures f
        left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
        where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
          and f.outcome = 'failed' and f.twin_of is null
        group by t.account, coalesce(e.error_class, 'unknown'), coalesce(e.retryable, 'no')
        union all
        select account, error_class, retryable, max(recommended_action), 0, 0, 0, 0, max(last_failure_at)
        from error_texts
        where failures > 0
        group by account, error_class, retryable
    ) c
) c
where place = 1;

create view repeat_users as
-- Users with at least 3 failures in the last 30 days.
select p.account, p.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname,
       p.failures_30_days, p.apps_30_days,
       cast(p.open_cases as bigint) as open_cases, cast(p.unknown_cases as bigint) as unknown_cases,
       p.first_failure_at, p.last_failure_at
from (
    select p.*,
           sum(case when c.last_failure_at >= p.successes_from and c.last_failure_at < p.successes_through
               then 1 else 0 end) over (partition by p.account, p.user_id) as open_cases,
           sum(case when c.case_id is null or (c.last_failure_at >= p.successes_from and c.last_failure_at < p.successes_through)
               then 0 else 1 end) over (partition by p.account, p.user_id) as unknown_cases,
           row_number() over (partition by p.account, p.user_id order by p.user_id) as place
    from (
        select t.account, t.successes_from, t.successes_through, f.user_id, count(*) as failures_30_days,
               count(distinct f.app_id) + count(distinct case when f.app_id is null then f.app_name end) as apps_30_days,
               min(f.created_at) as first_failure_at, max(f.created_at) as last_failure_at
        from account_times t
        cross join provisioning_failures f
        where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
          and f.outcome = 'failed' and f.twin_of is null and f.user_id is not null
        group by t.account, t.successes_from, t.successes_through, f.user_id
        having count(*) >= 3
    ) p
    left join provisioning_cases c on c.account = p.account and c.user_id = p.user_id and c.resolved_at is null
) p
left join users u on u.account = p.account and u.user_id = p.user_id
where p.place = 1;

-- Failures of one app and error without a gap of more than an hour are one incident. What began before the last
-- 30 days is found by reading an hour more, and left out. Only failures of incidents of three are
-- counted further, and by windows rather than groups, so that SQLite begins with the account.
create view app_incidents as
-- Incidents of the last 30 days: errors that several users had, and hours of many deprovisionings.
select i.account, i.failure_id as incident_id, 'error' as kind, i.app_id, i.app_name,
       i.error_fingerprint, coalesce(e.error_class, 'unknown') as error_class,
       i.created_at as started_at, i.ended_at, i.ended_at > t.from_1_hour as is_ongoing, i.failures, i.people
from (
    select account, failure_id, app_id, app_name, error_fingerprint, created_at,
           count(*) over (partition by account, app_id, app_key, error_fingerprint, number) as failures,
           max(person) over (partition by account, app_id, app_key, error_fingerprint, number) as people,
           max(created_at) over (partition by account, app_id, app_key, error_fingerprint, number) as ended_at,
           row_number() over (
               partition by account, app_id, app_key, error_fingerprint, number order by created_at, failure_id
           ) as place
    from (
        select n.*, dense_rank() over (
                   partition by account, app_id, app_key, error_fingerprint, number order by user_id
               ) - case when count(*) over incident > count(user_id) over incident then 1 else 0 end as person
        from (
            select g.*, sum(case when at - before <= 3600000 then 0 else 1 end) over (
                       partition by account, app_id, app_key, error_fingerprint order by created_at
                   ) as number
            from (
                select f.*, lag(at) over error as before, lag(at, 2) over error as before_2,
                       lead(at) over error as after, lead(at, 2) over error as after_2
                from (
                    select f.account, f.failure_id, f.created_at, strftime('%s', f.created_at) * 1000 + substr(f.created_at, 21, 3) as at, f.user_id, f.app_id,
                           f.app_name, case when f.app_id is null then f.app_name end as app_key, f.error_fingerprint
                    from account_times t
                    cross join provisioning_failures f
                    where f.account = t.account and f.created_at >= strftime('%Y-%m-%d %H:%M:%f+00:00', t.from_30_days, '-1 hours')
                      and f.created_at <= t.as_of and f.outcome = 'failed' and f.twin_of is null
                ) f
                window error as (partition by account, app_id, app_key, error_fingerprint order by created_at)
            ) g
            where (at - before <= 3600000 and before - before_2 <= 3600000)
               or (at - before <= 3600000 and after - at <= 3600000)
               or (after - at <= 3600000 and after_2 - after <= 3600000)
        ) n
        window incident as (partition by account, app_id, app_key, error_fingerprint, number)
    ) n
) i
join account_times t on t.account = i.account and i.created_at >= t.from_30_days
left join error_texts e on e.account = i.account and e.error_fingerprint = i.error_fingerprint
where i.place = 1 and i.people >= 3
union all
select h.account, coalesce(h.failure_id, h.success_id), 'deprovisioning', h.app_id, h.app_name,
       null, null, h.started_at, h.ended_at, h.ended_at > t.from_1_hour, h.events, h.people
from (
    select g.*, count(*) over (partition by account, app_id, app_key) as hours,
           sum(people) over (partition by account, app_id, app_key) as people_of_hours
    from (
        select account, app_id, app_key, hour, max(app_name) as app_name, count(*) as events,
               count(distinct user_id) as people, min(created_at) as started_at, max(created_at) as ended_at,
               min(cast(failure_id as text)) as failure_id, min(cast(success_id as text)) as success_id
        from (
            select f.account, f.app_id, case when f.app_id is null then f.app_name end as app_key, f.app_name, substr(f.created_at, 1, 13) as hour,
                   f.created_at, f.user_id, f.failure_id, null as success_id
            from account_times t
            cross join provisioning_failures f
            where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
              and f.outcome = 'failed' and f.twin_of is null and f.operation in ('suspend', 'delete')
            union all
            select s.account, s.app_id, case when s.app_id is null then s.app_name end, s.app_name, substr(s.created_at, 1, 13),
                   s.created_at, s.user_id, null, s.success_id
            from account_times t
            cross join provisioning_successes s
            where s.account = t.account and s.created_at >= t.from_30_days and s.created_at <= t.as_of
              and s.operation in ('suspend', 'delete')
        ) d
        group by account, app_id, app_key, hour
    ) g
) h
join account_times t on t.account = h.account
where h.people >= 10 and h.people * h.hours >= 5 * h.people_of_hours;

create view time_to_resolve as
-- Time from the first failure to the resolution, per month, app and operation.
select account, month, app_name, operation, cases, median_seconds, p90_seconds
from (
    select account, month, app_name, operation, cases, place,
           max(case when place = (cases + 1) / 2 then seconds end) over (
               partition by account, month, app_name, operation
           ) as median_seconds,
           max(case when place = (9 * cases + 9) / 10 then seconds end) over (
               partition by account, month, app_name, operation
           ) as p90_seconds
    from (
        select c.*, row_number() over (partition by account, month, app_name, operation order by seconds) as place,
               count(*) over (partition by account, month, app_name, operation) as cases
        from (
            select c.account, m.month, c.app_name, c.operation, (((strftime('%s', c.resolved_at) - strftime('%s', c.opened_at)) * 1000 + substr(c.resolved_at, 21, 3) - substr(c.opened_at, 21, 3)) + 1000000000000000) / 1000 - 1000000000000 as seconds
            from calendar_months m
            cross join provisioning_cases c
            where c.resolved_at >= m.starts_at and c.resolved_at < m.ends_at and c.is_resolution_timed
        ) c
    ) c
) c
where place = 1;

create view person_timeline as
-- Failures, skipped attempts and successes of each user; order them by created_at, event_id.
select f.account, f.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname,
       f.created_at, f.outcome as kind, f.operation, f.app_id, f.app_name, f.error_description,
       coalesce(e.error_class, 'unknown') as error_class, f.failure_id as event_id, f.source
from provisioning_failures f
left join users u on u.account = f.account and u.user_id = f.user_id
left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
where f.twin_of is null
union all
select s.account, s.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname,
       s.created_at, 'success', s.operation, s.app_id, s.app_name, null, null, s.success_id, s.source
from provisioning_successes s
left join users u on u.account = s.account and u.user_id = s.user_id;

create view new_errors as
-- Errors that were first seen in the last 7 days.
select e.account, e.error_fingerprint, e.example, e.error_class, e.retryable, e.recommended_action,
       e.first_failure_at, e.last_failure_at, e.failures
from error_texts e
join account_times t on t.account = e.account and e.first_failure_at >= t.from_7_days
    and e.first_failure_at <= t.as_of;

create view silent_apps as
-- Apps that used to have failures or successes, and are quiet now.
select account, app_name, last_event_day, days_silent, active_days_28
from (
    select account, app_name, last_event_day, cast(julianday(as_of_day) - julianday(last_event_day) as bigint) as days_silent,
           count(*) over (partition by account, app_name) as active_days_28,
           row_number() over (partition by account, app_name order by day) as place
    from (
        select distinct l.account, l.app_name, l.last_event_day, t.as_of_day, d.day
        from (
            select account, app_name, max(day) as last_event_day
            from failures_by_day
            where (failures > 0 or successes > 0) and app_name <> ''
            group by account, app_name
        ) l
        cross join account_times t
        cross join failures_by_day d
        where t.account = l.account and l.last_event_day <= date(t.as_of_day, '-2 days')
          and d.account = l.account and d.app_name = l.app_name
          and d.day > date(l.last_event_day, '-28 days') and d.day <= l.last_event_day
          and (d.failures > 0 or d.successes > 0)
    ) d
) s
where place = 1 and active_days_28 >= 5 and days_silent * active_days_28 > 3 * 28;

create view data_quality as
-- What is missing or unclear in the data, and how often.
select n.account, k.check_name,
       cast(case k.check_name
           when 'failures_without_user' then n.failures_without_user
           when 'users_without_profile' then p.users
           when 'failures_without_app' then n.failures_without_app
           when 'unknown_operation' then n.unknown_operation
           when 'open_rejects' then r.rejects
           when 'future_created_at' then a.failures
           when 'unknown_error_class' then n.unknown_error_class
           else case when s.failures > s.pairs then s.failures - s.pairs else 0 end
       end as bigint) as failures_30_days,
       n.failures as failures_checked
from (
    select t.account, count(f.failure_id) as failures,
           count(case when f.user_id is null then f.failure_id end) as failures_without_user,
           count(case when f.app_id is null and f.app_name is null then f.failure_id end) as failures_without_app,
           count(case when f.operation = 'unknown' then f.failure_id end) as unknown_operation,
           count(case when coalesce(e.error_class, 'unknown') = 'unknown' then f.failure_id end)
               as unknown_error_class
    from account_times t
    left join provisioning_failures f
        on f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
        and f.outcome = 'failed' and f.twin_of is null
    left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
    group by t.account
) n
join (
    select t.account, count(f.failure_id) as failures
    from account_times t
    left join provisioning_failures f on f.account = t.account and f.created_at > t.as_of and f.outcome = 'failed' and f.twin_of is null
    group by t.account
) a on a.account = n.account
join (
    select t.account, count(u.user_id) as users
    from account_times t
    left join users u on u.account = t.account and u.last_failure_at >= t.from_30_days
        and u.last_failure_at <= t.as_of and u.profile_at is null
    group by t.account
) p on p.account = n.account
join (
    select t.account, count(r.reject_id) as rejects
    from account_times t
    left join rejected_records r on r.account = t.account and r.last_seen_at >= t.from_30_days
        and r.replayed_at is null
    group by t.account
) r on r.account = n.account
join (
    select t.account, count(case when f.twin_of is null then f.failure_id end) as failures,
           count(distinct f.twin_of) as pairs
    from account_times t
    left join watermarks e on e.account = t.account and e.source = 'events'
    left join watermarks l on l.account = t.account and l.source = 'legacy'
    left join (
        select account, min(window_from) as since from sync_windows where source = 'events' group by account
    ) v on v.account = t.account
    left join (
        select account, min(window_from) as since from sync_windows where source = 'legacy' group by account
    ) w on w.account = t.account
    left join provisioning_failures f
        on f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
        and f.outcome = 'failed' and f.source in ('events', 'legacy')
        and f.created_at >= v.since and f.created_at >= w.since
        and f.created_at < e.scanned_through and f.created_at < l.scanned_through
    group by t.account
) s on s.account = n.account
cross join (
    select 'failures_without_user' as check_name union all select 'users_without_profile'
    union all select 'failures_without_app' union all select 'unknown_operation'
    union all select 'open_rejects' union all select 'future_created_at'
    union all select 'unknown_error_class' union all select 'unpaired_sources'
) k;

-- A watermark is ahead if it passes the clock by more than a minute, the difference between two clocks that a
-- sync accepts.
create view sync_health as
-- Per account and source: host, age of the watermark, the last run, open rejects.
select w.account, w.source, w.read_from, w.high_water_mark, w.scanned_through,
       cast(strftime('%s', 'now') as integer) - strftime('%s', w.high_water_mark) as mark_age_seconds,
       cast(strftime('%s', 'now') as integer) - strftime('%s', w.scanned_through) as scan_age_seconds,
       r.run_id as last_run_id, r.status as last_run_status,
       r.started_at as last_run_started_at, r.finished_at as last_run_finished_at,
       r.exit_code as last_run_exit_code, r.error as last_run_error,
       cast(coalesce(j.rejects, 0) as bigint) as open_rejects,
       cast(coalesce(r.people_pending, 0) as bigint) as people_pending,
       w.successes_from, w.successes_through,
       coalesce(max(strftime('%s', w.scanned_through) + 0, coalesce(strftime('%s', w.high_water_mark) + 0, 0))
                > strftime('%s', 'now') + 60, false) as is_watermark_ahead,
       w.needs_rebuild as is_rebuilding
from watermarks w
left join sync_runs r on r.account = w.account and r.source = w.source
left join (
    select account, source, count(*) as rejects
    from rejected_records
    where replayed_at is null
    group by account, source
) j on j.account = w.account and j.source = w.source
where not exists (
    select 1 from sync_runs n
    where n.account = r.account and n.source = r.source
      and (n.started_at, n.run_id) > (r.started_at, r.run_id)
);

create view coverage_gaps as
-- Spans that no window covers, between the first and the last window of an account and source.
select account, source, gap_from, gap_to, gap_seconds
from (
    select account, source, covered_to as gap_from, window_from as gap_to,
           (((strftime('%s', window_from) - strftime('%s', covered_to)) * 1000 + substr(window_from, 21, 3) - substr(covered_to, 21, 3)) + 1000000000000000) / 1000 - 1000000000000 as gap_seconds
    from (
        select account, source, window_from, max(window_to) over (
                   partition by account, source order by window_from, window_to
                   rows between unbounded preceding and 1 preceding
               ) as covered_to
        from sync_windows
    ) w
    where window_from > covered_to
) g
where gap_seconds > 1;

create view lateness as
-- Failures of the last 30 days that appeared late: first seen by reading a span again.
select account, source, cast(late as bigint) as late_failures, cast(checked as bigint) as failures_checked,
       median_seconds, p90_seconds, p99_seconds, max_seconds
from (
    select account, source, late, checked, place,
           max(case when place = (late + 1) / 2 then seconds end) over (partition by account, source)
               as median_seconds,
           max(case when place = (90 * late + 99) / 100 then seconds end) over (partition by account, source)
               as p90_seconds,
           max(case when place = (99 * late + 99) / 100 then seconds end) over (partition by account, source)
               as p99_seconds,
           max(seconds) over (partition by account, source) as max_seconds
    from (
        select f.*, count(seconds) over (partition by account, source) as late,
               sum(failures) over (partition by account, source) as checked,
               row_number() over (partition by account, source order by seconds nulls last) as place
        from (
            select account, source, 0 as failures, null as seconds from watermarks
            union all
            select t.account, f.source, count(*), case when f.is_late then (((strftime('%s', f.first_seen_at) - strftime('%s', f.created_at)) * 1000 + substr(f.first_seen_at, 21, 3) - substr(f.created_at, 21, 3)) + 1000000000000000) / 1000 - 1000000000000 end
            from account_times t
            cross join provisioning_failures f
            where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
              and f.outcome = 'failed' and f.is_late is not null
            group by t.account, f.source, case when f.is_late then f.failure_id end, 4
        ) f
    ) f
) f
where place = 1;

create view ocsf_account_change as
-- Failures as events of class Account Change in OCSF 1.5.0.
select f.account, f.failure_id,
       cast(3 as bigint) as category_uid, cast(3001 as bigint) as class_uid,
       cast(case f.operation when 'create' then 1 when 'reactivate' then 2 when 'suspend' then 5 when 'delete' then 6
            else 99 end as bigint) as activity_id,
       cast(300100 + case f.operation when 'create' then 1 when 'reactivate' then 2 when 'suspend' then 5
            when 'delete' then 6 else 99 end as bigint) as type_uid,
       cast(2 as bigint) as status_id, cast(3 as bigint) as severity_id,
       strftime('%s', f.created_at) * 1000 + substr(f.created_at, 21, 3) as time,
       '1.5.0' as metadata_version, 'OneLogin' as metadata_product_name,
       f.created_at_raw as metadata_original_time,
       cast(f.user_id as text) as user_uid, u.username as user_name, u.email as user_email_addr,
       cast(f.app_id as text) as app_uid, f.app_name, f.error_description as status_detail,
       f.source as unmapped_source, f.created_at
from provisioning_failures f
left join users u on u.account = f.account and u.user_id = f.user_id
where f.outcome = 'failed' and f.twin_of is null;
