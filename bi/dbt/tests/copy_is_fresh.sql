-- Every account and source was scanned within the last hours: what freshness checks on databases that it can.
select account, source, scan_age_seconds
from {{ source('onelogin', 'sync_health') }}
where scan_age_seconds is null or scan_age_seconds > {{ var('max_age_hours') }} * 3600
