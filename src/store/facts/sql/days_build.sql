-- The counts of the day $2, which lasts from $3 to $4.
insert into failures_by_day (
    account, day, app_name, operation, error_fingerprint, failures, successes, skipped, opened, resolved
)
select $1, $2, app_name, operation, error_fingerprint,
       sum(failures), sum(successes), sum(skipped), sum(opened), sum(resolved)
from (
    select coalesce(app_name, '') as app_name, operation,
           case when outcome = 'failed' then coalesce(error_fingerprint, '') else '' end as error_fingerprint,
           case when outcome = 'failed' then 1 else 0 end as failures, 0 as successes,
           case when outcome = 'failed' then 0 else 1 end as skipped, 0 as opened, 0 as resolved
    from provisioning_failures
    where account = $1 and created_at >= $3 and created_at < $4 and twin_of is null
    union all
    select coalesce(app_name, ''), operation, '', 0, 1, 0, 0, 0
    from provisioning_successes
    where account = $1 and created_at >= $3 and created_at < $4
    union all
    select coalesce(app_name, ''), operation, '', 0, 0, 0, 1, 0
    from provisioning_cases
    where account = $1 and opened_at >= $3 and opened_at < $4
    union all
    select coalesce(app_name, ''), operation, '', 0, 0, 0, 0, 1
    from provisioning_cases
    where account = $1 and resolved_at >= $3 and resolved_at < $4
) records
group by app_name, operation, error_fingerprint
order by app_name, operation, error_fingerprint
