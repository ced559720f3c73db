select
    account || '/' || cast(case_id as text) as case_key,
    account,
    status,
    reason,
    user_id,
    operation,
    app_name,
    opened_at,
    is_overdue,
    hours_open,
    attempts,
    error_class,
    as_of
from {{ source('onelogin', 'outstanding_deprovisioning') }}
