-- The first record at or after a time.
select min(at)
from (
    select min(created_at) as at from provisioning_failures where account = $1 and created_at >= $2
    union all
    select min(created_at) from provisioning_successes where account = $1 and created_at >= $2
    union all
    select min(opened_at) from provisioning_cases where account = $1 and opened_at >= $2
    union all
    select min(resolved_at) from provisioning_cases where account = $1 and resolved_at >= $2
) records
