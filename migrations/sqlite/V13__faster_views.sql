-- The same views, answered sooner: each month's question reads an index in the order of time, and little else.

-- A month's failures and successes from the index alone. Rows come in the order of time, so that a load appends to it.
drop index provisioning_failures_by_time;
create index provisioning_failures_by_time
    on provisioning_failures (account, created_at, app_id, app_name, operation, user_id, error_fingerprint, outcome,
        twin_of, source, failure_id);
drop index provisioning_successes_by_time;
create index provisioning_successes_by_time
    on provisioning_successes (account, created_at, app_id, app_name, operation, user_id, source, success_id);

-- A month's cases from the index alone, and their failures but for those of cases with several.
drop index provisioning_cases_by_time;
create index provisioning_cases_by_time
    on provisioning_cases (account, opened_at, app_id, app_name, operation, user_id, last_failure_at, resolved_at,
        is_skipped, attempts, error_fingerprint, case_id);

-- The unresolved cases of a user and an app, found in the index.
drop index provisioning_cases_by_user;
create index provisioning_cases_by_user
    on provisioning_cases (account, user_id, operation, resolved_at, last_failure_at, app_id, app_name);

-- The unresolved cases with several failures, of a user: open_failures.
create index provisioning_cases_repeated
    on provisioning_cases (account, user_id, operation, opened_at, app_id, app_name, case_id, last_failure_at,
        is_skipped)
    where resolved_at is null and attempts > 1;

-- The same table with other comments.
create table accounts_13 as select * from accounts;
drop table accounts;
create table accounts (
    -- Your accounts, and the OneLogin account that each of them stands for.
    account text not null primary key, -- The OneLogin account, as given to --account
    onelogin_account_id integer, -- OneLogin's own id of the account; null until a token or a record has named it
    rebuild_step text, -- What is built again: fingerprints, users (their twins, cases and texts) or days; null if nothing is
    rebuilt_through integer -- The greatest user_id, or the last day as days since 1970-01-01, for which that step is done; null for none
);
insert into accounts (account, onelogin_account_id, rebuild_step, rebuilt_through)
select account, onelogin_account_id, rebuild_step, rebuilt_through from accounts_13;
drop table accounts_13;

-- Without numbers SQLite supposes that an account has ten rows. These are of an account with a million failures. Entries
-- of one size (sz) let it read the index that has all columns, where it would else look up each row of the other one.
delete from sqlite_stat1
where tbl in ('provisioning_cases', 'provisioning_failures', 'provisioning_successes', 'failures_by_day');
insert into sqlite_stat1 (tbl, idx, stat) values
    ('provisioning_cases', 'sqlite_autoindex_provisioning_cases_1', '1000000 1000000 1'),
    ('provisioning_cases', 'provisioning_cases_by_user', '1000000 1000000 20 5 2 1 1 1'),
    ('provisioning_cases', 'provisioning_cases_by_time', '1000000 1000000 2 1 1 1 1 1 1 1 1 1 1 sz=100'),
    ('provisioning_cases', 'provisioning_cases_by_app', '1000000 1000000 20000 20000 4000 2 2 2 2 sz=100'),
    ('provisioning_failures', 'sqlite_autoindex_provisioning_failures_1', '1000000 1000000 1'),
    ('provisioning_failures', 'provisioning_failures_by_time', '1000000 1000000 2 1 1 1 1 1 1 1 1 1'),
    ('provisioning_failures', 'provisioning_failures_by_user', '1000000 1000000 20 5 1'),
    ('provisioning_successes', 'sqlite_autoindex_provisioning_successes_1', '1000000 1000000 1'),
    ('provisioning_successes', 'provisioning_successes_by_time', '1000000 1000000 2 1 1 1 1 1 1'),
    ('provisioning_successes', 'provisioning_successes_by_user', '1000000 1000000 20 1'),
    ('failures_by_day', 'sqlite_autoindex_failures_by_day_1', '500000 500000 1500 40 8 1'),
    ('failures_by_day', 'failures_by_day_by_app', '500000 500000 12500 2500 8 4 2 2 2');

drop view open_failures;
-- The failures since the first one of a case that nothing has closed: the first of each case, which case_id names; and the
-- later ones. A later one with an app id belongs to the case of that id, and else to a case without an id by name.
create view open_failures as
-- Failures of the cases that nothing has closed.
select o.account, o.failure_id, f.source, o.created_at,
       o.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname,
       o.operation, o.operation in ('suspend', 'delete') as is_deprovision, o.app_id, o.app_name,
       f.description, f.error_description,
       coalesce(f.error_fingerprint, '') as error_fingerprint,
       coalesce(e.error_class, 'unknown') as error_class,
       coalesce(e.retryable, 'no') as retryable,
       coalesce(e.recommended_action, 'Read the error in the app''s own log') as recommended_action,
       f.solved as is_solved, f.resolved_at, f.resolution, f.event_type_id, f.source_id, f.login_id,
       f.operation_source, f.first_seen_at, f.synced_at, f.run_id,
       o.case_id,
       case when o.last_failure_at >= t.successes_from and o.last_failure_at < t.successes_through
            then 'open' else 'unknown' end as case_status
from (
    select account, case_id as failure_id, opened_at as created_at, user_id, operation, app_id, app_name,
           case_id, last_failure_at
    from provisioning_cases
    where resolved_at is null and not is_skipped
    union all
    select f.account, f.failure_id, f.created_at, f.user_id, f.operation, f.app_id, f.app_name,
           c.case_id, c.last_failure_at
    from provisioning_failures f
    cross join provisioning_cases c
    where f.outcome = 'failed' and f.twin_of is null
      and c.account = f.account and c.user_id = f.user_id and c.operation = f.operation
      and c.resolved_at is null and c.attempts > 1 and not c.is_skipped
      and c.opened_at <= f.created_at and c.case_id < f.failure_id
      and (f.app_id = c.app_id
           or (c.app_id is null and f.app_name = c.app_name)
           or (c.app_id is null and f.app_id is null and f.app_name is null and c.app_name is null))
      and (c.app_id is not null or f.app_id is null or not exists (
          select 1 from provisioning_cases o
          where o.account = f.account and o.user_id = f.user_id and o.operation = f.operation
            and o.app_id = f.app_id and o.resolved_at is null and not o.is_skipped
            and o.opened_at <= f.created_at
      ))
) o
cross join account_times t
left join provisioning_failures f on f.account = o.account and f.failure_id = o.failure_id
left join users u on u.account = o.account and u.user_id = o.user_id
left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
where t.account = o.account;

drop view failures_daily;
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
    select distinct account, app_name, operation from failures_by_day
    where failures > 0 or opened > 0
) p
cross join account_times t
cross join calendar_days d
where t.account = p.account and d.day >= t.first_filled_day and d.day <= t.as_of_day
  and not exists (
      select 1 from failures_by_day f
      where f.account = p.account and f.day = d.day and f.app_name = p.app_name and f.operation = p.operation
        and (f.failures > 0 or f.opened > 0 or f.resolved > 0)
  );

drop view backlog_daily;
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
            select distinct account, app_name, operation from failures_by_day
            where failures > 0 or opened > 0
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

drop view time_to_resolve;
-- The rows of the two percentiles are enough for the second round of windows.
create view time_to_resolve as
-- Time from the first failure to the resolution, per month, app and operation.
select account, month, app_name, operation, cases,
       (median_ms + 1000000000000000) / 1000 - 1000000000000 as median_seconds,
       (p90_ms + 1000000000000000) / 1000 - 1000000000000 as p90_seconds
from (
    select account, month, app_name, operation, cases, place,
           max(case when place = (cases + 1) / 2 then ms end) over of_app as median_ms,
           max(case when place = (9 * cases + 9) / 10 then ms end) over of_app as p90_ms
    from (
        select c.*, row_number() over (partition by account, month, app_name, operation order by ms) as place,
               count(*) over (partition by account, month, app_name, operation) as cases
        from (
            select c.account, m.month, c.app_name, c.operation,
                   cast(round((julianday(c.resolved_at) - julianday(c.opened_at)) * 86400000) as integer) as ms
            from calendar_months m
            cross join provisioning_cases c
            where c.resolved_at >= m.starts_at and c.resolved_at < m.ends_at and c.is_resolution_timed
        ) c
    ) c
    where place = (cases + 1) / 2 or place = (9 * cases + 9) / 10
    window of_app as (partition by account, month, app_name, operation)
) c
where place = (cases + 1) / 2;

drop view person_timeline;
-- What only some columns need is joined to the rows of both tables, so that a count reads the indexes alone.
create view person_timeline as
-- Failures, skipped attempts and successes of each user; order them by created_at, event_id.
select v.account, v.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname,
       v.created_at, v.kind, v.operation, v.app_id, v.app_name, f.error_description,
       case when v.kind <> 'success' then coalesce(e.error_class, 'unknown') end as error_class,
       v.event_id, v.source
from (
    select account, user_id, created_at, outcome as kind, operation, app_id, app_name, failure_id as event_id, source
    from provisioning_failures
    where twin_of is null
    union all
    select account, user_id, created_at, cast('success' as text), operation, app_id, app_name, success_id, source
    from provisioning_successes
) v
left join provisioning_failures f on f.account = v.account and f.failure_id = v.event_id and v.kind <> 'success'
left join users u on u.account = v.account and u.user_id = v.user_id
left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint;

drop view app_incidents;
-- Failures of one app and error without a gap of more than an hour are one incident. What began before the last
-- 30 days is found by reading an hour more, and left out. Only failures of incidents of three are counted further.
-- SQLite sorts rows for each round of windows, so they are narrow: names and times come from the first and the last
-- failure. It would group the rows of all accounts, so the last row of a window stands for a group.
create view app_incidents as
-- Incidents of the last 30 days: errors that several users had, and hours of many deprovisionings.
select i.account, i.first_id as incident_id, 'error' as kind, f.app_id, f.app_name,
       f.error_fingerprint, coalesce(e.error_class, 'unknown') as error_class,
       f.created_at as started_at, l.created_at as ended_at, l.created_at > t.from_1_hour as is_ongoing, i.failures, i.people
from (
    select account, lead(0, 1, 1) over incident as is_last, count(*) over so_far as failures,
           dense_rank() over incident - max(user_id is null) over so_far as people,
           min(failure_id) over so_far as first_id, max(failure_id) over so_far as last_id
    from (
        select account, failure_id, user_id, sum(ms - before <= 3600000 is not true) over (
                   partition by account order by app_id, app_key, error_fingerprint, ms rows unbounded preceding
               ) as number
        from (
            select f.*, lag(ms) over error as before, lag(ms, 2) over error as before_2,
                   lead(ms) over error as after, lead(ms, 2) over error as after_2
            from (
                select f.account, f.failure_id, cast(julianday(f.created_at) * 86400000 + 0.5 as integer) as ms, f.user_id,
                       f.app_id, case when f.app_id is null then f.app_name end as app_key, f.error_fingerprint
                from account_times t
                cross join provisioning_failures f
                where f.account = t.account and f.created_at >= strftime('%Y-%m-%d %H:%M:%f+00:00', t.from_30_days, '-1 hours')
                  and f.created_at <= t.as_of and f.outcome = 'failed' and f.twin_of is null
            ) f
            window error as (partition by account, app_id, app_key, error_fingerprint order by ms)
        ) f
        where (after - ms <= 3600000 and (ms - before <= 3600000 or after_2 - after <= 3600000))
           or (ms - before <= 3600000 and before - before_2 <= 3600000)
    ) f
    window incident as (partition by account, number order by user_id),
           so_far as (partition by account, number order by user_id rows unbounded preceding)
) i
cross join account_times t
join provisioning_failures f on f.account = i.account and f.failure_id = i.first_id
join provisioning_failures l on l.account = i.account and l.failure_id = i.last_id
left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
where t.account = i.account and i.is_last and i.people >= 3 and f.created_at >= t.from_30_days
union all
select h.account, coalesce(h.failure_id, h.success_id), 'deprovisioning', h.app_id, h.app_name,
       null, null, h.started_at, h.ended_at, h.ended_at > t.from_1_hour, h.events, h.people
from (
    select h.*, count(*) over app as hours, sum(people) over app as people_of_hours
    from (
        select account, app_id, app_key, lead(0, 1, 1) over users as is_last, count(*) over so_far as events,
               dense_rank() over users - max(user_id is null) over so_far as people, max(app_name) over so_far as app_name,
               min(created_at) over so_far as started_at, max(created_at) over so_far as ended_at,
               min(failure_id) over so_far as failure_id, min(success_id) over so_far as success_id
        from (
            select f.account, f.app_id, case when f.app_id is null then f.app_name end as app_key, f.app_name,
                   substr(f.created_at, 1, 13) as hour, f.created_at, f.user_id, f.failure_id, null as success_id
            from account_times t
            cross join provisioning_failures f
            where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
              and f.outcome = 'failed' and f.twin_of is null and f.operation in ('suspend', 'delete')
            union all
            select s.account, s.app_id, case when s.app_id is null then s.app_name end, s.app_name,
                   substr(s.created_at, 1, 13), s.created_at, s.user_id, null, s.success_id
            from account_times t
            cross join provisioning_successes s
            where s.account = t.account and s.created_at >= t.from_30_days and s.created_at <= t.as_of
              and s.operation in ('suspend', 'delete')
        ) d
        window users as (partition by account, app_id, app_key, hour order by user_id),
               so_far as (partition by account, app_id, app_key, hour order by user_id rows unbounded preceding)
    ) h
    where is_last
    window app as (partition by account, app_id, app_key)
) h
join account_times t on t.account = h.account
where h.people >= 10 and h.people * h.hours >= 5 * h.people_of_hours;
