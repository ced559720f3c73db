-- The last failure of each app, whole hours of deprovisionings, gaps and ages without files, and what is known of the
-- server.

-- Names of apps without blanks around them, as the program stores them now: two sources may differ in them. What follows
-- from the names is built again, also where a rebuild has come to the days.
create table blanks (characters text not null);
insert into blanks (characters) values (E'\u0009\u000A\u000B\u000C\u000D\u0020\u0085\u00A0\u1680'
    || E'\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000');
update accounts set rebuild_step = 'users', rebuilt_through = null
where (rebuild_step is null or rebuild_step <> 'fingerprints') and account in (
    select f.account from provisioning_failures f cross join blanks b
    where f.app_name <> btrim(f.app_name, b.characters)
    union all
    select s.account from provisioning_successes s cross join blanks b
    where s.app_name <> btrim(s.app_name, b.characters)
);
update provisioning_failures set app_name = nullif(btrim(app_name, b.characters), '')
from blanks b
where app_name <> btrim(app_name, b.characters);
update provisioning_successes set app_name = nullif(btrim(app_name, b.characters), '')
from blanks b
where app_name <> btrim(app_name, b.characters);
drop table blanks;

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

alter table sync_windows add column is_from_file boolean not null default false;
comment on column sync_windows.is_from_file is 'Whether it is a file that was loaded, which covers no span';
update sync_windows w set is_from_file = true
from sync_runs r
where r.account = w.account and r.run_id = w.run_id and r.requests = 0 and r.status in ('succeeded', 'failed');

alter table reading_plans add column types_compared_at timestamptz;
alter table reading_plans add column users_at_once bigint;
alter table reading_plans add column users_at_once_at timestamptz;
comment on column reading_plans.types_compared_at is 'When answers to several event types were last compared; null before that';
comment on column reading_plans.users_at_once is 'Users that the users API takes at once; null if it took as many as it should';
comment on column reading_plans.users_at_once_at is 'When that was found; null if it was not';

-- A rebuild could delete an error that failures still had. Another one finds it again.
update accounts set rebuild_step = 'users', rebuilt_through = null
where rebuild_step is null and account in (
    select f.account
    from provisioning_failures f
    left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
    where f.outcome = 'failed' and f.twin_of is null and e.account is null
);
update watermarks set needs_rebuild = true
where account in (select account from accounts where rebuild_step is not null);

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

-- A file covers no span: it has what was saved of it.
create or replace view coverage_gaps as
select account, source, gap_from, gap_to, gap_seconds
from (
    select account, source, covered_to as gap_from, window_from as gap_to,
           cast(floor(extract(epoch from window_from - covered_to)) as bigint) as gap_seconds
    from (
        select account, source, window_from, max(window_to) over (
                   partition by account, source order by window_from, window_to
                   rows between unbounded preceding and 1 preceding
               ) as covered_to
        from sync_windows
        where not is_from_file
    ) w
    where window_from > covered_to
) g
where gap_seconds > 1;

create or replace view data_quality as
select n.account, k.check_name,
       cast(case k.check_name
           when 'failures_without_user' then n.failures_without_user
           when 'users_without_profile' then coalesce(p.users, 0)
           when 'failures_without_app' then n.failures_without_app
           when 'unknown_operation' then n.unknown_operation
           when 'open_rejects' then r.rejects
           when 'future_created_at' then a.failures
           when 'unknown_error_class' then n.unknown_error_class
           else case when s.failures > s.pairs then s.failures - s.pairs else 0 end
       end as bigint) as failures_30_days,
       n.failures as failures_checked
from (
    select t.account, count(f.created_at) as failures,
           count(case when f.user_id is null then f.created_at end) as failures_without_user,
           count(case when f.app_id is null and f.app_name is null then f.created_at end) as failures_without_app,
           count(case when f.operation = 'unknown' then f.created_at end) as unknown_operation,
           count(case when coalesce(e.error_class, 'unknown') = 'unknown' then f.created_at end)
               as unknown_error_class
    from account_times t
    left join provisioning_failures f
        on f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
        and f.outcome = 'failed' and f.twin_of is null
    left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
    group by t.account
) n
join (
    select t.account, count(f.created_at) as failures
    from account_times t
    left join provisioning_failures f on f.account = t.account and f.created_at > t.as_of
        and f.created_at <= '9999-12-31 23:59:59.999+00:00' and f.outcome = 'failed' and f.twin_of is null
    group by t.account
) a on a.account = n.account
left join (
    select t.account, count(*) as users
    from account_times t
    join users u on u.account = t.account and u.last_failure_at >= t.from_30_days and u.profile_at is null
    where u.last_failure_at <= t.as_of or exists (
        select 1 from provisioning_failures f
        where f.account = u.account and f.user_id = u.user_id and f.created_at >= t.from_30_days
          and f.created_at <= t.as_of
    )
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
    select t.account, count(case when f.twin_of is null then f.created_at end) as failures,
           count(distinct f.twin_of) as pairs
    from account_times t
    left join watermarks e on e.account = t.account and e.source = 'events'
    left join watermarks l on l.account = t.account and l.source = 'legacy'
    left join (
        select account, min(window_from) as since from sync_windows
        where source = 'events' and not is_from_file
        group by account
    ) v on v.account = t.account
    left join (
        select account, min(window_from) as since from sync_windows
        where source = 'legacy' and not is_from_file
        group by account
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
