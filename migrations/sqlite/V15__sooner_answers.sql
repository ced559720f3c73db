-- Sooner answers: the apps, their cases that nothing has closed, and incidents.

-- The last failure of each app, found at the end of its part of the index. It is no longer written to when a case is
-- resolved.
drop index provisioning_cases_by_app;
create index provisioning_cases_by_app
    on provisioning_cases (account, app_id, app_name, is_skipped, last_failure_at);

-- Cases that nothing has closed, counted by app and error from the index alone. The error is that of open_cases.
create index provisioning_cases_unresolved
    on provisioning_cases (account, app_id, app_name, coalesce(error_fingerprint, ''), is_skipped, opened_at,
        last_failure_at, operation, user_id)
    where resolved_at is null;

-- All of the numbers by which SQLite plans, so that they stand in one place: those of the two indexes are new.
delete from sqlite_stat1
where tbl in ('provisioning_cases', 'provisioning_failures', 'provisioning_successes', 'failures_by_day');
insert into sqlite_stat1 (tbl, idx, stat) values
    ('provisioning_cases', 'sqlite_autoindex_provisioning_cases_1', '20000000 1000000 1'),
    ('provisioning_cases', 'provisioning_cases_by_user', '20000000 1000000 20 5 2 1 1 1'),
    ('provisioning_cases', 'provisioning_cases_by_time', '20000000 1000000 2 1 1 1 1 1 1 1 1 1 1 sz=100'),
    ('provisioning_cases', 'provisioning_cases_by_app', '20000000 1000000 20000 20000 20000 2'),
    ('provisioning_cases', 'provisioning_cases_unresolved', '8000000 400000 8000 8000 2000 2000 2 1 1 1'),
    ('provisioning_failures', 'sqlite_autoindex_provisioning_failures_1', '20000000 1000000 1'),
    ('provisioning_failures', 'provisioning_failures_by_time', '20000000 1000000 2 1 1 1 1 1 1 1 1 1'),
    ('provisioning_failures', 'provisioning_failures_by_user', '20000000 1000000 20 5 1'),
    ('provisioning_successes', 'sqlite_autoindex_provisioning_successes_1', '20000000 1000000 1'),
    ('provisioning_successes', 'provisioning_successes_by_time', '20000000 1000000 2 1 1 1 1 1 1'),
    ('provisioning_successes', 'provisioning_successes_by_user', '20000000 1000000 20 1'),
    ('failures_by_day', 'sqlite_autoindex_failures_by_day_1', '10000000 500000 1500 40 8 1'),
    ('failures_by_day', 'failures_by_day_by_app', '10000000 500000 12500 2500 8 4 2 2 2');

-- The times of one account are read from its own rows alone: look-ups, where a join would read those of all accounts.
drop view account_times;
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
    select l.account,
           case when l.scanned_through is not null then l.scanned_through
                when l.last_failure_at > l.last_success_at then l.last_failure_at
                else coalesce(l.last_success_at, l.last_failure_at) end as as_of,
           e.successes_from, e.successes_through
    from (
        select a.account,
               (
                   select max(w.scanned_through) from watermarks w where w.account = a.account
               ) as scanned_through,
               (
                   select f.created_at from provisioning_failures f
                   where f.account = a.account order by f.failure_id desc limit 1
               ) as last_failure_at,
               (
                   select s.created_at from provisioning_successes s
                   where s.account = a.account order by s.success_id desc limit 1
               ) as last_success_at
        from accounts a
    ) l
    left join watermarks e on e.account = l.account and e.source = 'events'
) t
group by t.account, t.as_of, t.successes_from, t.successes_through;

-- All counts of failures in one round over them. The others are looked up for one account, too.
drop view data_quality;
create view data_quality as
-- What is missing or unclear in the data, and how often.
select n.account, k.check_name,
       cast(case k.check_name
           when 'failures_without_user' then n.failures_without_user
           when 'users_without_profile' then (
               select count(*) from users u
               where u.account = n.account and u.last_failure_at >= n.from_30_days and u.last_failure_at <= n.as_of
                 and u.profile_at is null
           )
           when 'failures_without_app' then n.failures_without_app
           when 'unknown_operation' then n.unknown_operation
           when 'open_rejects' then (
               select count(*) from rejected_records r
               where r.account = n.account and r.last_seen_at >= n.from_30_days and r.replayed_at is null
           )
           when 'future_created_at' then (
               select count(*) from provisioning_failures f
               where f.account = n.account and f.created_at > n.as_of and f.outcome = 'failed' and f.twin_of is null
           )
           when 'unknown_error_class' then n.unknown_error_class
           else case when n.failures_of_both > n.pairs then n.failures_of_both - n.pairs else 0 end
       end as bigint) as failures_30_days,
       n.failures as failures_checked
from (
    select b.account, max(b.as_of) as as_of, max(b.from_30_days) as from_30_days,
           count(case when f.twin_of is null then f.failure_id end) as failures,
           count(case when f.twin_of is null and f.user_id is null then f.failure_id end) as failures_without_user,
           count(case when f.twin_of is null and f.app_id is null and f.app_name is null then f.failure_id end)
               as failures_without_app,
           count(case when f.twin_of is null and f.operation = 'unknown' then f.failure_id end) as unknown_operation,
           count(case when f.twin_of is null and coalesce(e.error_class, 'unknown') = 'unknown' then f.failure_id end)
               as unknown_error_class,
           count(case when f.twin_of is null and f.source in ('events', 'legacy')
                           and f.created_at >= b.both_from and f.created_at < b.both_through then f.failure_id end)
               as failures_of_both,
           count(distinct case when f.source in ('events', 'legacy')
                                    and f.created_at >= b.both_from and f.created_at < b.both_through then f.twin_of end)
               as pairs
    from (
        select t.account, t.as_of, t.from_30_days,
               max(
                   (select min(v.window_from) from sync_windows v where v.account = t.account and v.source = 'events'),
                   (select min(v.window_from) from sync_windows v where v.account = t.account and v.source = 'legacy')
               ) as both_from,
               min(
                   (select w.scanned_through from watermarks w where w.account = t.account and w.source = 'events'),
                   (select w.scanned_through from watermarks w where w.account = t.account and w.source = 'legacy')
               ) as both_through
        from account_times t
        group by t.account, t.as_of, t.from_30_days
    ) b
    left join provisioning_failures f
        on f.account = b.account and f.created_at >= b.from_30_days and f.created_at <= b.as_of and f.outcome = 'failed'
    left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
    group by b.account
) n
cross join (
    select 'failures_without_user' as check_name union all select 'users_without_profile'
    union all select 'failures_without_app' union all select 'unknown_operation'
    union all select 'open_rejects' union all select 'future_created_at'
    union all select 'unknown_error_class' union all select 'unpaired_sources'
) k;

-- The error as the index of unresolved cases has it, so that their rows need not be read for its class.
drop view retry_list;
create view retry_list as
-- Cases that nothing has closed and that another attempt may close.
select c.account, c.case_id,
       case when c.last_failure_at >= t.successes_from and c.last_failure_at < t.successes_through
            then 'open' else 'unknown' end as status,
       c.app_id, c.app_name, c.operation, c.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname,
       e.retryable, e.error_class, e.recommended_action, c.last_failure_at, c.attempts
from provisioning_cases c
cross join account_times t
join error_texts e on e.account = c.account and e.error_fingerprint = coalesce(c.error_fingerprint, '')
left join users u on u.account = c.account and u.user_id = c.user_id
where t.account = c.account and c.resolved_at is null and e.retryable in ('yes', 'later');

drop view failures_by_app;
-- The app's name is that of its last failure: ids sort by time. The apps of an account, and their last failures, are found by
-- skipping from app to app in the index.
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
        select a.account, a.app_id, f.app_name, a.app_key, a.failures_7_days, a.failures_30_days, a.people_30_days,
               0 as open_cases, 0 as unknown_cases, f.created_at as last_failure_at
        from (
            select t.account, f.app_id, case when f.app_id is null then f.app_name end as app_key,
                   sum(case when f.created_at >= t.from_7_days then 1 else 0 end) as failures_7_days,
                   count(*) as failures_30_days, count(distinct f.user_id) as people_30_days, max(f.failure_id) as last_id
            from account_times t
            cross join provisioning_failures f
            where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
              and f.outcome = 'failed' and f.twin_of is null
            group by t.account, f.app_id, case when f.app_id is null then f.app_name end
        ) a
        cross join provisioning_failures f
        where f.account = a.account and f.failure_id = a.last_id
        union all
        select c.account, c.app_id, c.app_name, case when c.app_id is null then c.app_name end, 0, 0, 0,
               count(case when c.last_failure_at >= e.successes_from and c.last_failure_at < e.successes_through then 1 end),
               count(*) - count(case when c.last_failure_at >= e.successes_from
                                      and c.last_failure_at < e.successes_through then 1 end),
               null
        from provisioning_cases c
        left join watermarks e on e.account = c.account and e.source = 'events'
        where c.resolved_at is null
        group by c.account, c.app_id, c.app_name
        union all
        select c.account, c.app_id, c.app_name, case when c.app_id is null then c.app_name end, 0, 0, 0, 0, 0,
               (
                   select max(l.last_failure_at) from provisioning_cases l
                   where l.account = c.account and l.app_id is c.app_id and l.app_name is c.app_name and l.is_skipped = false
               )
        from (select distinct account, app_id, app_name from provisioning_cases) c
    ) p
) n
where place = 1;

drop view app_incidents;
-- As before, but the hours of an app are only counted if one of them has ten people. Failures of one app and error without a gap of more than an hour are one incident. What began before the last 30 days is found by reading an
-- hour more, and left out. Only failures of incidents of three are counted further. SQLite sorts rows for each round of
-- windows, so they are narrow: names and times come from the first and the last failure. It would group the rows of all
-- accounts, so the last row of a window stands for a group.
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
            select d.*
            from (
                select d.*, max(person) over (partition by account, app_id, app_key) as most_people
                from (
                    select d.*, dense_rank() over (partition by account, app_id, app_key, hour order by user_id) as person
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
                ) d
            ) d
            where most_people >= 10
        ) d
        window users as (partition by account, app_id, app_key, hour order by user_id),
               so_far as (partition by account, app_id, app_key, hour order by user_id rows unbounded preceding)
    ) h
    where is_last
    window app as (partition by account, app_id, app_key)
) h
join account_times t on t.account = h.account
where h.people >= 10 and h.people * h.hours >= 5 * h.people_of_hours;

drop view time_to_resolve;
-- Account by account, so that a month is a span of the index also where the question names no account. The rows of the two
-- percentiles are enough for the second round of windows.
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
            select a.account, m.month, c.app_name, c.operation,
                   cast(round((julianday(c.resolved_at) - julianday(c.opened_at)) * 86400000) as integer) as ms
            from accounts a
            cross join calendar_months m
            cross join provisioning_cases c
            where c.account = a.account and c.resolved_at >= m.starts_at and c.resolved_at < m.ends_at
              and c.is_resolution_timed
        ) c
    ) c
    where place = (cases + 1) / 2 or place = (9 * cases + 9) / 10
    window of_app as (partition by account, month, app_name, operation)
) c
where place = (cases + 1) / 2;
