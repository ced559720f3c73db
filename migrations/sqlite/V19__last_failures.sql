-- The last failure of each app, and whole hours of deprovisionings.

create table apps_by_day (
    -- Failures per app and UTC day, where there are any: the last failure of an app is found by its last day.
    account text not null, -- The OneLogin account, as given to --account
    day date not null check (day like '____-__-__'), -- The UTC day
    app_id text not null, -- The app's id; empty if none is known
    app_name text not null, -- The name of an app without an id; else empty
    failures integer not null, -- Failures, each once
    primary key (account, day, app_id, app_name)
) without rowid;
insert into apps_by_day (account, day, app_id, app_name, failures)
select account, day, app_id, app_name, count(*)
from (
    select account, substr(created_at, 1, 10) as day, coalesce(cast(app_id as text), '') as app_id,
           case when app_id is null then coalesce(app_name, '') else '' end as app_name
    from provisioning_failures
    where outcome = 'failed' and twin_of is null
) f
group by account, day, app_id, app_name;

drop view failures_by_app;
-- An app has the name and the time of its last failure: ids sort by time. It is found in the failures of its last day. What
-- has no failure, because no attempt was made, is listed while a case of it is open or unknown.
create view failures_by_app as
-- Apps that failed, with their last 30 days and unresolved cases.
select account, app_id, app_name,
       cast(failures_7_days as bigint) as failures_7_days, cast(failures_30_days as bigint) as failures_30_days,
       cast(people_30_days as bigint) as people_30_days,
       cast(open_cases as bigint) as open_cases, cast(unknown_cases as bigint) as unknown_cases, last_failure_at
from (
    select account, app_id, app_name, last_failure_at,
           sum(failures_7_days) over (partition by account, app_id, app_key) as failures_7_days,
           sum(failures_30_days) over (partition by account, app_id, app_key) as failures_30_days,
           sum(people_30_days) over (partition by account, app_id, app_key) as people_30_days,
           sum(open_cases) over (partition by account, app_id, app_key) as open_cases,
           sum(unknown_cases) over (partition by account, app_id, app_key) as unknown_cases,
           row_number() over (
               partition by account, app_id, app_key
               order by last_failure_at desc nulls last, last_id desc nulls last, app_name desc nulls last
           ) as place
    from (
        select l.account, l.app_id, l.app_key, f.app_name, f.created_at as last_failure_at, f.failure_id as last_id,
               0 as failures_7_days, 0 as failures_30_days, 0 as people_30_days, 0 as open_cases, 0 as unknown_cases
        from (
            select a.account, cast(nullif(a.app_id, '') as integer) as app_id, nullif(a.app_name, '') as app_key,
                   (
                       select f.failure_id from provisioning_failures f
                       where f.account = a.account and f.created_at >= a.last_day || ' 00:00:00.000+00:00'
                         and f.created_at < date(a.last_day, '+1 days') || ' 00:00:00.000+00:00'
                         and f.app_id is cast(nullif(a.app_id, '') as integer)
                         and (a.app_id <> '' or coalesce(f.app_name, '') = a.app_name)
                         and f.outcome = 'failed' and f.twin_of is null
                       order by f.created_at desc, f.failure_id desc limit 1
                   ) as last_id
            from (
                select account, app_id, app_name, max(day) as last_day
                from apps_by_day
                group by account, app_id, app_name
            ) a
        ) l
        cross join provisioning_failures f
        where f.account = l.account and f.failure_id = l.last_id
        union all
        select t.account, f.app_id, case when f.app_id is null then f.app_name end,
               case when f.app_id is null then f.app_name end, null, null,
               sum(case when f.created_at >= t.from_7_days then 1 else 0 end),
               count(*), count(distinct f.user_id), 0, 0
        from account_times t
        cross join provisioning_failures f
        where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
          and f.outcome = 'failed' and f.twin_of is null
        group by t.account, f.app_id, case when f.app_id is null then f.app_name end
        union all
        select c.account, c.app_id, case when c.app_id is null then c.app_name end, c.app_name, null, null, 0, 0, 0,
               count(case when c.last_failure_at >= e.successes_from and c.last_failure_at < e.successes_through then 1 end),
               count(*) - count(case when c.last_failure_at >= e.successes_from
                                      and c.last_failure_at < e.successes_through then 1 end)
        from provisioning_cases c
        left join watermarks e on e.account = c.account and e.source = 'events'
        where c.resolved_at is null
        group by c.account, c.app_id, c.app_name
    ) p
) n
where place = 1;

drop view app_incidents;
-- Hours are read from their beginning, and left out if they began before the last 30 days. The name of an app is that of
-- its first failure.
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
select h.account, coalesce(h.failure_id, h.success_id), 'deprovisioning', h.app_id,
       case when h.failure_id is null then s.app_name else f.app_name end,
       null, null, h.started_at, h.ended_at, h.ended_at > t.from_1_hour, h.events, h.people
from (
    select h.*, count(*) over app as hours, sum(people) over app as people_of_hours
    from (
        select account, app_id, app_key, lead(0, 1, 1) over users as is_last, count(*) over so_far as events,
               dense_rank() over users - max(user_id is null) over so_far as people,
               min(created_at) over so_far as started_at, max(created_at) over so_far as ended_at,
               min(failure_id) over so_far as failure_id, min(success_id) over so_far as success_id
        from (
            select d.*
            from (
                select d.*, max(person) over (partition by account, app_id, app_key) as most_people
                from (
                    select d.*, dense_rank() over (partition by account, app_id, app_key, hour order by user_id) as person
                    from (
                        select f.account, f.app_id, case when f.app_id is null then f.app_name end as app_key,
                               substr(f.created_at, 1, 13) as hour, f.created_at, f.user_id, f.failure_id, null as success_id
                        from account_times t
                        cross join provisioning_failures f
                        where f.account = t.account and f.created_at >= substr(t.from_30_days, 1, 13) || ':00:00.000+00:00'
                          and f.created_at <= t.as_of and f.outcome = 'failed' and f.twin_of is null and f.operation in ('suspend', 'delete')
                        union all
                        select s.account, s.app_id, case when s.app_id is null then s.app_name end,
                               substr(s.created_at, 1, 13), s.created_at, s.user_id, null, s.success_id
                        from account_times t
                        cross join provisioning_successes s
                        where s.account = t.account and s.created_at >= substr(t.from_30_days, 1, 13) || ':00:00.000+00:00'
                          and s.created_at <= t.as_of and s.operation in ('suspend', 'delete')
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
join account_times t on t.account = h.account and h.started_at >= t.from_30_days
left join provisioning_failures f on f.account = h.account and f.failure_id = h.failure_id
left join provisioning_successes s on s.account = h.account and s.success_id = h.success_id
where h.people >= 10 and h.people * h.hours >= 5 * h.people_of_hours;
