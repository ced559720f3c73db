-- The last failure of each app, whole hours of deprovisionings, gaps and ages without files, and what is known of the
-- server.

-- Names of apps without blanks around them, as the program stores them now: two sources may differ in them. What follows
-- from the names is built again, also where a rebuild has come to the days.
create table blanks (characters text not null);
insert into blanks (characters) values (char(9, 10, 11, 12, 13, 32, 133, 160, 5760,
    8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288));
update accounts set rebuild_step = 'users', rebuilt_through = null
where (rebuild_step is null or rebuild_step <> 'fingerprints') and account in (
    select f.account from provisioning_failures f cross join blanks b
    where f.app_name <> trim(f.app_name, b.characters)
    union all
    select s.account from provisioning_successes s cross join blanks b
    where s.app_name <> trim(s.app_name, b.characters)
);
update provisioning_failures set app_name = nullif(trim(app_name, b.characters), '')
from blanks b
where app_name <> trim(app_name, b.characters);
update provisioning_successes set app_name = nullif(trim(app_name, b.characters), '')
from blanks b
where app_name <> trim(app_name, b.characters);
drop table blanks;

create table apps_by_day (
    -- Failures per app and UTC day, where there are any: the last failure of an app is found by its last day.
    account text not null, -- The OneLogin account, as given to --account
    day date not null, -- The UTC day
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

drop view coverage_gaps;
drop view data_quality;
alter table sync_windows rename to old_sync_windows;
create table sync_windows (
    -- The ledger: each window, written in the transaction of its rows.
    window_id uuid not null, -- UUIDv7: sorts by time
    run_id uuid not null, -- The run (sync_runs)
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events; webhook for saved deliveries
    window_from datetime not null check (window_from like '____-__-__ __:__:__.___+00:00'), -- Start of the requested interval
    window_to datetime not null check (window_to like '____-__-__ __:__:__.___+00:00'), -- End of the requested interval, never past the server's now
    fetched integer not null, -- Records in the response = inserted + updated + unchanged + rejected
    inserted integer not null, -- New failures
    updated integer not null, -- Failures whose content changed
    unchanged integer not null, -- Failures stored already with the same content; not written
    rejected integer not null, -- Records written to rejected_records, known ones included
    committed_at datetime not null check (committed_at like '____-__-__ __:__:__.___+00:00'), -- When the window was committed
    successes integer not null, -- Successes in the response, known ones included; not part of fetched
    ignored integer not null, -- Events of types that were not selected; not part of fetched
    is_from_file boolean not null default false check (is_from_file in (0, 1)), -- Whether it is a file that was loaded, which covers no span
    primary key (account, window_id),
    foreign key (account, run_id) references sync_runs (account, run_id)
);

insert into sync_windows (
    window_id, run_id, account, source, window_from, window_to, fetched, inserted, updated, unchanged, rejected,
    committed_at, successes, ignored, is_from_file
)
select w.window_id, w.run_id, w.account, w.source, w.window_from, w.window_to, w.fetched, w.inserted, w.updated,
       w.unchanged, w.rejected, w.committed_at, w.successes, w.ignored, r.requests = 0 and r.status in ('succeeded', 'failed')
from old_sync_windows w
join sync_runs r on r.account = w.account and r.run_id = w.run_id;
drop table old_sync_windows;
create index sync_windows_by_run on sync_windows (account, run_id);
create index sync_windows_by_span on sync_windows (account, source, window_from, window_to);

alter table reading_plans rename to old_reading_plans;
create table reading_plans (
    -- Per account and source: what is known for planning the next windows.
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events
    densest real, -- Records per second of the densest hour of the last weeks; null before the first window
    planned_part real not null, -- Part of the usual size for which a window is planned: halved after a run that was killed or stopped, doubled after another
    reserved_calls integer not null, -- Calls that a run in progress has reserved; the next run returns those of a killed one
    reserved_minute datetime check (reserved_minute like '____-__-__ __:__:__.___+00:00'), -- The minute of api_calls in which they are counted; null if there is none
    takes_one_type boolean check (takes_one_type in (0, 1)), -- Whether the events API takes only the first of several event types; null until it was compared
    page real, -- Records of a full page; null until one was seen
    types_compared_at datetime check (types_compared_at like '____-__-__ __:__:__.___+00:00'), -- When answers to several event types were last compared; null before that
    users_at_once integer, -- Users that the users API takes at once; null if it took as many as it should
    users_at_once_at datetime check (users_at_once_at like '____-__-__ __:__:__.___+00:00'), -- When that was found; null if it was not
    primary key (account, source)
);

insert into reading_plans (
    account, source, densest, planned_part, reserved_calls, reserved_minute, takes_one_type, page
)
select account, source, densest, planned_part, reserved_calls, reserved_minute, takes_one_type, page
from old_reading_plans;
drop table old_reading_plans;

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

drop view sync_health;
create view sync_health as
-- Per account and source: host, age of the watermark, the last run, open rejects.
select w.account, w.source, w.read_from, w.high_water_mark, w.scanned_through,
       ((strftime('%s', 'now') - strftime('%s', w.high_water_mark)) * 1000 + substr(strftime('%f', 'now'), 4, 3)
        - substr(w.high_water_mark, 21, 3) + 1000000000000000) / 1000 - 1000000000000 as mark_age_seconds,
       ((strftime('%s', 'now') - strftime('%s', w.scanned_through)) * 1000 + substr(strftime('%f', 'now'), 4, 3)
        - substr(w.scanned_through, 21, 3) + 1000000000000000) / 1000 - 1000000000000 as scan_age_seconds,
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

-- A file covers no span: it has what was saved of it.
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
        where not is_from_file
    ) w
    where window_from > covered_to
) g
where gap_seconds > 1;

create view data_quality as
-- What is missing or unclear in the data, and how often.
select n.account, k.check_name,
       cast(case k.check_name
           when 'failures_without_user' then n.failures_without_user
           when 'users_without_profile' then (
               select count(*) from users u
               where u.account = n.account and u.last_failure_at >= n.from_30_days and u.profile_at is null
                 and (u.last_failure_at <= n.as_of or exists (
                     select 1 from provisioning_failures f
                     where f.account = u.account and f.user_id = u.user_id and f.created_at >= n.from_30_days
                       and f.created_at <= n.as_of
                 ))
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
                   (
                       select min(v.window_from) from sync_windows v
                       where v.account = t.account and v.source = 'events' and not v.is_from_file
                   ),
                   (
                       select min(v.window_from) from sync_windows v
                       where v.account = t.account and v.source = 'legacy' and not v.is_from_file
                   )
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
