select case_id, user_id, app_id, app_name, operation, is_skipped, opened_at, last_failure_at,
       last_failure_id, attempts, error_fingerprint, resolved_at, resolved_by, is_resolution_timed
from provisioning_cases
where account = $1 and user_id > $2 and user_id <= $3
