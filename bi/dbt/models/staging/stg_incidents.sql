select
    account || '/' || kind || '/' || cast(incident_id as text) as incident_key,
    account,
    kind,
    app_name,
    error_class,
    started_at,
    ended_at,
    is_ongoing,
    failures,
    people
from {{ source('onelogin', 'app_incidents') }}
