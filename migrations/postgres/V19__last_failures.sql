-- The last failure of each app, and whole hours of deprovisionings.

create table apps_by_day (
    account text not null,
    day date not null,
    app_id text not null,
    app_name text not null,
    failures bigint not null,
    primary key (account, day, app_id, app_name)
);
comment on table apps_by_day is 'Failures per app and UTC day, where there are any: the last failure of an app is found by its last day';
comment on column apps_by_day.account is 'The OneLogin account, as given to --account';
comment on column apps_by_day.day is 'The UTC day';
comment on column apps_by_day.app_id is 'The app''s id; empty if none is known';
comment on column apps_by_day.app_name is 'The name of an app without an id; else empty';
comment on column apps_by_day.failures is 'Failures, each once';
insert into apps_by_day (account, day, app_id, app_name, failures)
select account, day, app_id, app_name, count(*)
from (
    select account, cast(created_at at time zone 'UTC' as date) as day, coalesce(cast(app_id as text), '') as app_id,
           case when app_id is null then coalesce(app_name, '') else '' end as app_name
    from provisioning_failures
    where outcome = 'failed' and twin_of is null
) f
group by account, day, app_id, app_name;

-- An app has the name and the time of its last failure: ids sort by time. It is found in the failures of its last day. What
-- has no failure, because no attempt was made, is listed while a case of it is open or unknown.
create or replace view failures_by_app as
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
               order by last_failure_at desc nulls last, last_id desc nulls last, app_name collate "C" desc nulls last
           ) as place
    from (
        select l.account, l.app_id, l.app_key, f.app_name, f.created_at as last_failure_at, f.failure_id as last_id,
               0 as failures_7_days, 0 as failures_30_days, 0 as people_30_days, 0 as open_cases, 0 as unknown_cases
        from (
            select account, cast(nullif(app_id, '') as bigint) as app_id, nullif(app_name, '') as app_key, app_name as name,
                   cast(max(day) || ' 00:00:00+00:00' as timestamptz) as day_from,
                   cast(max(day) + 1 || ' 00:00:00+00:00' as timestamptz) as day_until
            from apps_by_day
            group by account, app_id, app_name
        ) l
        cross join lateral (
            select f.failure_id, f.app_name, f.created_at
            from provisioning_failures f
            where f.account = l.account and f.created_at >= l.day_from and f.created_at < l.day_until
              and (f.app_id = l.app_id or (l.app_id is null and f.app_id is null and coalesce(f.app_name, '') = l.name))
              and f.outcome = 'failed' and f.twin_of is null
            order by f.created_at desc, f.failure_id desc limit 1
        ) f
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

-- Hours are read from their beginning, and left out if they began before the last 30 days. The name of an app is that of
-- its first failure.
create or replace view app_incidents as
select i.account, i.failure_id as incident_id, 'error' as kind, i.app_id, i.app_name,
       i.error_fingerprint, coalesce(e.error_class, 'unknown') as error_class,
       i.started_at, i.ended_at, i.ended_at > t.from_1_hour as is_ongoing, i.failures, i.people
from (
    select account, app_id, error_fingerprint, count(*) as failures,
           count(distinct user_id) as people, min(created_at) as started_at, max(created_at) as ended_at,
           cast(min(cast(first_id as text)) as uuid) as failure_id, min(first_name) as app_name
    from (
        select g.*, sum(is_first) over error as number,
               case when is_first = 1 then failure_id end as first_id, case when is_first = 1 then app_name end as first_name
        from (
            select f.*, case when created_at <= lag(created_at) over error + interval '1 hour' then 0 else 1 end as is_first,
                   case when lead(created_at) over error <= created_at + interval '1 hour' then 0 else 1 end as is_last
            from (
                select f.account, f.failure_id, f.created_at, f.user_id, f.app_id,
                       f.app_name, case when f.app_id is null then f.app_name end as app_key, f.error_fingerprint
                from account_times t
                cross join provisioning_failures f
                where f.account = t.account and f.created_at >= t.from_30_days - interval '1 hours'
                  and f.created_at <= t.as_of and f.outcome = 'failed' and f.twin_of is null
            ) f
            window error as (partition by account, app_id, app_key, error_fingerprint order by created_at, failure_id)
        ) g
        where is_first = 0 or is_last = 0
        window error as (partition by account, app_id, app_key, error_fingerprint order by created_at, failure_id)
    ) m
    group by account, app_id, app_key, error_fingerprint, number
    having count(*) >= 3 and count(distinct user_id) >= 3
) i
join account_times t on t.account = i.account and i.started_at >= t.from_30_days
left join error_texts e on e.account = i.account and e.error_fingerprint = i.error_fingerprint
union all
select h.account, coalesce(h.failure_id, h.success_id), 'deprovisioning', h.app_id,
       case when h.failure_id is null then s.app_name else f.app_name end,
       null, null, h.started_at, h.ended_at, h.ended_at > t.from_1_hour, cast(h.events as bigint), h.people
from (
    select g.*, count(*) over (partition by account, app_id, app_key) as hours,
           sum(people) over (partition by account, app_id, app_key) as people_of_hours
    from (
        select account, app_id, app_key, hour, sum(events) as events,
               count(user_id) as people, min(started_at) as started_at, max(ended_at) as ended_at,
               cast(min(failure_id) as uuid) as failure_id, cast(min(success_id) as uuid) as success_id
        from (
            select account, app_id, app_key, hour, user_id, count(*) as events,
                   min(created_at) as started_at, max(created_at) as ended_at,
                   min(cast(failure_id as text)) as failure_id, min(cast(success_id as text)) as success_id
            from (
                select f.account, f.app_id, case when f.app_id is null then f.app_name end as app_key,
                       floor(date_part('epoch', f.created_at) / 3600) as hour,
                       f.created_at, f.user_id, f.failure_id, null as success_id
                from account_times t
                cross join provisioning_failures f
                where f.account = t.account
                  and f.created_at >= to_timestamp(floor(date_part('epoch', t.from_30_days) / 3600) * 3600)
                  and f.created_at <= t.as_of and f.outcome = 'failed' and f.twin_of is null and f.operation in ('suspend', 'delete')
                union all
                select s.account, s.app_id, case when s.app_id is null then s.app_name end,
                       floor(date_part('epoch', s.created_at) / 3600),
                       s.created_at, s.user_id, null, s.success_id
                from account_times t
                cross join provisioning_successes s
                where s.account = t.account
                  and s.created_at >= to_timestamp(floor(date_part('epoch', t.from_30_days) / 3600) * 3600)
                  and s.created_at <= t.as_of and s.operation in ('suspend', 'delete')
            ) d
            group by account, app_id, app_key, hour, user_id
        ) d
        group by account, app_id, app_key, hour
    ) g
) h
join account_times t on t.account = h.account and h.started_at >= t.from_30_days
left join provisioning_failures f on f.account = h.account and f.failure_id = h.failure_id
left join provisioning_successes s on s.account = h.account and s.success_id = h.success_id
where h.people >= 10 and h.people * h.hours >= 5 * h.people_of_hours;
