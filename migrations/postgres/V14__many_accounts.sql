-- The rows of days without failures are planned as few as they are. For an account among many, Postgres took them for half a
-- million and compiled the query, which took longer than to run it.

create or replace view failures_daily as
select account, day, nullif(app_name, '') as app_name, operation,
       cast(sum(failures) as bigint) as failures, cast(sum(opened) as bigint) as opened,
       cast(sum(resolved) as bigint) as resolved
from (
    select account, day, app_name, operation, failures, opened, resolved
    from failures_by_day
    where failures > 0 or opened > 0 or resolved > 0
    union all
    select t.account, t.first_filled_day + n.n, p.app_name, p.operation, 0, 0, 0
    from account_times t
    cross join lateral (
        select distinct f.app_name, f.operation
        from failures_by_day f
        where f.account = t.account and (f.failures > 0 or f.opened > 0 or f.resolved > 0)
    ) p
    cross join generate_series(0, 91) n (n)
) d
group by account, day, app_name, operation;
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
            select t.account, p.app_name, p.operation, t.first_filled_day + n.n, 0
            from account_times t
            cross join lateral (
                select distinct f.app_name, f.operation
                from failures_by_day f
                where f.account = t.account and (f.failures > 0 or f.opened > 0 or f.resolved > 0)
            ) p
            cross join generate_series(0, 91) n (n)
        ) d
        group by account, app_name, operation, day
    ) c
) b
cross join account_times t
where t.account = b.account;
