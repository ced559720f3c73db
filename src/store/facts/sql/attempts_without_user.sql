select failure_id, source, user_id, operation, outcome, app_id, app_name, created_at,
       error_fingerprint, solved, resolved_at, twin_of
from provisioning_failures
where account = $1 and user_id is null
order by operation, outcome, created_at, failure_id
