-- The same views, answered sooner: each month's question reads an index in the order of time, and little else.

-- A month's failures and successes from the index alone. Rows come in the order of time, so that a load appends to it.
drop index provisioning_failures_by_time;
create index provisioning_failures_by_time
    on provisioning_failures (account, created_at) include (app_id, app_name, operation, user_id, error_fingerprint, outcome,
        twin_of, source, failure_id);
drop index provisioning_successes_by_time;
create index provisioning_successes_by_time
    on provisioning_successes (account, created_at) include (app_id, app_name, operation, user_id, source, success_id);

-- A month's cases from the index alone, and their failures but for those of cases with several.
drop index provisioning_cases_by_time;
create index provisioning_cases_by_time
    on provisioning_cases (account, opened_at) include (app_id, app_name, operation, user_id, last_failure_at, resolved_at,
        is_skipped, attempts, error_fingerprint, case_id);

-- The unresolved cases with several failures, of a user: open_failures.
create index provisioning_cases_repeated
    on provisioning_cases (account, user_id, operation, opened_at) include (app_id, app_name, case_id, last_failure_at,
        is_skipped)
    where resolved_at is null and attempts > 1;

-- The days of each app and operation, and their changes: far less than the rows of all errors.
drop index failures_by_day_by_app;
create index failures_by_day_failed
    on failures_by_day (account, app_name, operation, day)
    where failures > 0 or opened > 0 or resolved > 0;
create index failures_by_day_changes
    on failures_by_day (account, app_name, operation, day) include (opened, resolved)
    where opened > 0 or resolved > 0;

-- provisioning_cases_by_time answers what it did.
drop index provisioning_cases_by_app;

comment on column accounts.rebuild_step is 'What is built again: fingerprints, users (their twins, cases and texts) or days; null if nothing is';
comment on column accounts.rebuilt_through is 'The greatest user_id, or the last day as days since 1970-01-01, for which that step is done; null for none';

-- The failures since the first one of a case that nothing has closed: the first of each case, which case_id names; and the
-- later ones. A later one with an app id belongs to the case of that id, and else to a case without an id by name.
create or replace view open_failures as
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
           or (c.app_id is null and f.app_id is null and f.app_name = c.app_name)
           or (c.app_id is null and f.app_id is null and f.app_name is null and c.app_name is null))
    union all
    select f.account, f.failure_id, f.created_at, f.user_id, f.operation, f.app_id, f.app_name,
           c.case_id, c.last_failure_at
    from provisioning_failures f
    cross join provisioning_cases c
    where f.outcome = 'failed' and f.twin_of is null
      and c.account = f.account and c.user_id = f.user_id and c.operation = f.operation
      and c.resolved_at is null and c.attempts > 1 and not c.is_skipped
      and c.opened_at <= f.created_at and c.case_id < f.failure_id
      and c.app_id is null and f.app_id is not null and f.app_name = c.app_name
      and not exists (
          select 1 from provisioning_cases o
          where o.account = f.account and o.user_id = f.user_id and o.operation = f.operation
            and o.app_id = f.app_id and o.resolved_at is null and not o.is_skipped
            and o.opened_at <= f.created_at
      )
) o
cross join account_times t
left join provisioning_failures f on f.account = o.account and f.failure_id = o.failure_id
left join users u on u.account = o.account and u.user_id = o.user_id
left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
where t.account = o.account;

-- Days without anything are counted with all others, as zero.
create or replace view failures_daily as
select account, day, nullif(app_name, '') as app_name, operation,
       cast(sum(failures) as bigint) as failures, cast(sum(opened) as bigint) as opened,
       cast(sum(resolved) as bigint) as resolved
from (
    select account, day, app_name, operation, failures, opened, resolved
    from failures_by_day
    where failures > 0 or opened > 0 or resolved > 0
    union all
    select p.account, t.first_filled_day + n.n, p.app_name, p.operation, 0, 0, 0
    from (
        select distinct account, app_name, operation from failures_by_day
        where failures > 0 or opened > 0 or resolved > 0
    ) p
    cross join account_times t
    cross join generate_series(0, 91) n (n)
    where t.account = p.account
) d
group by account, day, app_name, operation;

-- Days after as_of, which only a wrong clock can give, count on the last day.
create or replace view backlog_daily as
select b.account, b.day, nullif(b.app_name, '') as app_name, b.operation,
       b.operation in ('suspend', 'delete') as is_deprovision, cast(b.unresolved as bigint) as unresolved_at_end,
       coalesce(b.day >= t.first_known_day and b.day <= t.last_known_day, false) as is_known
from (
    select account, app_name, operation, day,
           sum(change) over (partition by account, app_name, operation order by day) as unresolved
    from (
        select account, app_name, operation, day, cast(sum(change) as bigint) as change
        from (
            select d.account, d.app_name, d.operation,
                   case when d.day > t.as_of_day then t.as_of_day else d.day end as day, 0 as change
            from (
                select distinct account, app_name, operation, day from failures_by_day
                where failures > 0 or opened > 0 or resolved > 0
            ) d
            cross join account_times t
            where t.account = d.account
            union all
            select f.account, f.app_name, f.operation,
                   case when f.day > t.as_of_day then t.as_of_day else f.day end, f.opened - f.resolved
            from failures_by_day f
            cross join account_times t
            where t.account = f.account and (f.opened > 0 or f.resolved > 0)
            union all
            select p.account, p.app_name, p.operation, t.first_filled_day + n.n, 0
            from (
                select distinct account, app_name, operation from failures_by_day
                where failures > 0 or opened > 0 or resolved > 0
            ) p
            cross join account_times t
            cross join generate_series(0, 91) n (n)
            where t.account = p.account
        ) d
        group by account, app_name, operation, day
    ) c
) b
cross join account_times t
where t.account = b.account;

-- The watermark alone is joined to all cases, which Postgres then reads in parallel.
create or replace view failures_by_app as
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
               count(case when c.resolved_at is null and c.last_failure_at >= e.successes_from
                           and c.last_failure_at < e.successes_through then 1 end),
               count(*) - count(c.resolved_at)
                   - count(case when c.resolved_at is null and c.last_failure_at >= e.successes_from
                                 and c.last_failure_at < e.successes_through then 1 end),
               max(case when not c.is_skipped then c.last_failure_at end)
        from provisioning_cases c
        left join watermarks e on e.account = c.account and e.source = 'events'
        group by c.account, c.app_id, c.app_name
    ) p
) n
where place = 1;

-- Failures of one app and error without a gap of more than an hour are one incident. What began before the last
-- 30 days is found by reading an hour more, and left out. A failure alone is in no incident.
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
select h.account, coalesce(h.failure_id, h.success_id), 'deprovisioning', h.app_id, h.app_name,
       null, null, h.started_at, h.ended_at, h.ended_at > t.from_1_hour, cast(h.events as bigint), h.people
from (
    select g.*, count(*) over (partition by account, app_id, app_key) as hours,
           sum(people) over (partition by account, app_id, app_key) as people_of_hours
    from (
        select account, app_id, app_key, hour, max(app_name) as app_name, sum(events) as events,
               count(user_id) as people, min(started_at) as started_at, max(ended_at) as ended_at,
               cast(min(failure_id) as uuid) as failure_id, cast(min(success_id) as uuid) as success_id
        from (
            select account, app_id, app_key, hour, user_id, max(app_name) as app_name, count(*) as events,
                   min(created_at) as started_at, max(created_at) as ended_at,
                   min(cast(failure_id as text)) as failure_id, min(cast(success_id as text)) as success_id
            from (
                select f.account, f.app_id, case when f.app_id is null then f.app_name end as app_key, f.app_name,
                       floor(date_part('epoch', f.created_at) / 3600) as hour,
                       f.created_at, f.user_id, f.failure_id, null as success_id
                from account_times t
                cross join provisioning_failures f
                where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
                  and f.outcome = 'failed' and f.twin_of is null and f.operation in ('suspend', 'delete')
                union all
                select s.account, s.app_id, case when s.app_id is null then s.app_name end, s.app_name,
                       floor(date_part('epoch', s.created_at) / 3600),
                       s.created_at, s.user_id, null, s.success_id
                from account_times t
                cross join provisioning_successes s
                where s.account = t.account and s.created_at >= t.from_30_days and s.created_at <= t.as_of
                  and s.operation in ('suspend', 'delete')
            ) d
            group by account, app_id, app_key, hour, user_id
        ) d
        group by account, app_id, app_key, hour
    ) g
) h
join account_times t on t.account = h.account
where h.people >= 10 and h.people * h.hours >= 5 * h.people_of_hours;

create or replace view time_to_resolve as
select account, month, app_name, operation, max(cases) as cases,
       max(case when place = (cases + 1) / 2 then seconds end) as median_seconds,
       max(case when place = (9 * cases + 9) / 10 then seconds end) as p90_seconds
from (
    select c.account, m.month, c.app_name, c.operation, cast(floor(date_part('epoch', c.resolved_at - c.opened_at)) as bigint) as seconds,
           row_number() over (partition by c.account, m.month, c.app_name, c.operation order by c.resolved_at - c.opened_at) as place,
           count(*) over (partition by c.account, m.month, c.app_name, c.operation) as cases
    from calendar_months m
    cross join provisioning_cases c
    where c.resolved_at >= m.starts_at and c.resolved_at < m.ends_at and c.is_resolution_timed
) c
group by account, month, app_name, operation;

-- What only some columns need is joined to the rows of both tables, so that a count reads the indexes alone.
create or replace view person_timeline as
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

-- The end of the times after as_of lets Postgres expect few of them.
create or replace view data_quality as
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
    select t.account, count(case when f.twin_of is null then f.created_at end) as failures,
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
