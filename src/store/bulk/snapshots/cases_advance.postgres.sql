-- What later events change in a case. Its other columns are not written, so that their indexes stay as they are.
with advanced (
    account, case_id, last_failure_at, last_failure_id, attempts, error_fingerprint, resolved_at, resolved_by,
    is_resolution_timed
) as (select * from unnest($1,$2,$3,$4,$5,$6,$7,$8,$9))
update provisioning_cases set
    last_failure_at = advanced.last_failure_at,
    last_failure_id = advanced.last_failure_id,
    attempts = advanced.attempts,
    error_fingerprint = advanced.error_fingerprint,
    resolved_at = advanced.resolved_at,
    resolved_by = advanced.resolved_by,
    is_resolution_timed = advanced.is_resolution_timed
from advanced
where provisioning_cases.account = advanced.account and provisioning_cases.case_id = advanced.case_id
