-- Sooner answers: the apps, and the times to resolve.

-- The app's name is that of its last failure: ids sort by time. One round over the failures instead of two.
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

-- The values of the two places, by Postgres' own function: half the time, and no compilation. Month by month of each
-- account, so that each is a span of the index also where the question names no account.
create or replace view time_to_resolve as
select a.account, m.month, c.app_name, c.operation, c.cases,
       cast(floor(date_part('epoch', c.median)) as bigint) as median_seconds,
       cast(floor(date_part('epoch', c.p90)) as bigint) as p90_seconds
from accounts a
cross join calendar_months m
cross join lateral (
    select c.app_name, c.operation, count(*) as cases,
           percentile_disc(0.5) within group (order by c.resolved_at - c.opened_at) as median,
           percentile_disc(0.9) within group (order by c.resolved_at - c.opened_at) as p90
    from provisioning_cases c
    where c.account = a.account and c.resolved_at >= m.starts_at and c.resolved_at < m.ends_at
      and c.is_resolution_timed
    group by c.app_name, c.operation
) c;
