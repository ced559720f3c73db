-- Right answers: the failures of open cases, more days and months, and the last failure of an app.

-- The failures of a case that nothing has closed: its first, which case_id names, and the later ones. One with an app id
-- belongs to the case of that id that it lies in, resolved or not, and else to a case without an id by name.
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
      and c.opened_at <= f.created_at and f.created_at <= c.last_failure_at and c.case_id < f.failure_id
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
      and c.opened_at <= f.created_at and f.created_at <= c.last_failure_at and c.case_id < f.failure_id
      and c.app_id is null and f.app_id is not null and f.app_name = c.app_name
      and not exists (
          select 1 from provisioning_cases o
          where o.account = f.account and o.user_id = f.user_id and o.operation = f.operation
            and o.app_id = f.app_id and not o.is_skipped and o.last_failure_at >= f.created_at
            and o.case_id <= f.failure_id and o.last_failure_id >= f.failure_id
      )
) o
cross join account_times t
left join provisioning_failures f on f.account = o.account and f.failure_id = o.failure_id
left join users u on u.account = o.account and u.user_id = o.user_id
left join error_texts e on e.account = f.account and e.error_fingerprint = f.error_fingerprint
where t.account = o.account;

insert into calendar_days (day)
select day from (
    select date '1970-01-01' + n as day from generate_series(0, date '2199-12-31' - date '1970-01-01') n
) d
where day < '2010-01-01' or day > '2049-12-31';
insert into calendar_months (month, starts_at, ends_at)
select day, cast(day || ' 00:00:00+00:00' as timestamptz),
       cast(cast(day + interval '1 month' as date) || ' 00:00:00+00:00' as timestamptz)
from calendar_days where extract(day from day) = 1 and (day < '2010-01-01' or day > '2049-12-31');
comment on table calendar_days is 'The days of 1970 to 2199';
comment on table calendar_months is 'The months of 1970 to 2199';

-- Only the months between the first and the last resolution of an account: for all of them, Postgres would compile the query.
create or replace view time_to_resolve as
select a.account, m.month, c.app_name, c.operation, c.cases,
       cast(floor(date_part('epoch', c.median)) as bigint) as median_seconds,
       cast(floor(date_part('epoch', c.p90)) as bigint) as p90_seconds
from accounts a
cross join lateral (
    select min(r.resolved_at) as first_at, max(r.resolved_at) as last_at
    from provisioning_cases r
    where r.account = a.account and r.resolved_at is not null
) r
cross join calendar_months m
cross join lateral (
    select c.app_name, c.operation, count(*) as cases,
           percentile_disc(0.5) within group (order by c.resolved_at - c.opened_at) as median,
           percentile_disc(0.9) within group (order by c.resolved_at - c.opened_at) as p90
    from provisioning_cases c
    where c.account = a.account and c.resolved_at >= m.starts_at and c.resolved_at < m.ends_at
      and c.is_resolution_timed
    group by c.app_name, c.operation
) c
where m.ends_at > r.first_at and m.starts_at <= r.last_at;

-- The last failure of an app without an id is that of the last 30 days, if there is one: a case of such an app may have been
-- continued by failures with an id, which count under another app. A failure names the app before a case of the same time does.
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
           case when app_id is null and sum(failures_30_days) over (partition by account, app_id, app_key) > 0
                then max(case when failures_30_days > 0 then last_failure_at end) over (
                    partition by account, app_id, app_key
                )
                else max(last_failure_at) over (partition by account, app_id, app_key) end as last_failure_at,
           row_number() over (
               partition by account, app_id, app_key
               order by last_failure_at desc nulls last, failures_30_days desc, app_name desc nulls last
           ) as place
    from (
        select a.account, a.app_id, f.app_name, a.app_key, a.failures_7_days, a.failures_30_days, a.people_30_days,
               0 as open_cases, 0 as unknown_cases, f.created_at as last_failure_at
        from (
            select t.account, f.app_id, case when f.app_id is null then f.app_name end as app_key,
                   sum(case when f.created_at >= t.from_7_days then 1 else 0 end) as failures_7_days,
                   count(*) as failures_30_days, count(distinct f.user_id) as people_30_days,
                   cast(max(cast(f.failure_id as text)) as uuid) as last_id
            from account_times t
            cross join provisioning_failures f
            where f.account = t.account and f.created_at >= t.from_30_days and f.created_at <= t.as_of
              and f.outcome = 'failed' and f.twin_of is null
            group by t.account, f.app_id, case when f.app_id is null then f.app_name end
        ) a
        join provisioning_failures f on f.account = a.account and f.failure_id = a.last_id
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
