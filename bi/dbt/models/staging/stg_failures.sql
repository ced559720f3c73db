select
    account || '/' || cast(failure_id as text) as failure_key,
    account,
    failure_id,
    created_at,
    user_id,
    operation,
    is_deprovision,
    app_id,
    app_name,
    error_fingerprint,
    error_class,
    retryable,
    source
from {{ source('onelogin', 'failures') }}
