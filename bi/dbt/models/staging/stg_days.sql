-- One row per day, app and operation: what failed, and of how many attempts where that is known.
select
    f.account || '/' || cast(f.day as text) || '/' || coalesce(f.app_name, '') || '/' || f.operation as day_key,
    f.account,
    f.day,
    f.app_name,
    f.operation,
    f.failures,
    f.opened,
    f.resolved,
    s.attempts,
    s.success_rate
from {{ source('onelogin', 'failures_daily') }} f
left join {{ source('onelogin', 'success_rate') }} s
    on s.account = f.account and s.day = f.day and s.operation = f.operation
    and coalesce(s.app_name, '') = coalesce(f.app_name, '')
