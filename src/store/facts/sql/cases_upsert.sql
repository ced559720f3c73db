insert into provisioning_cases (
    account, case_id, user_id, app_id, app_name, operation, is_skipped, opened_at, last_failure_at,
    last_failure_id, attempts, error_fingerprint, resolved_at, resolved_by, is_resolution_timed
) values /*rows*/
on conflict (account, case_id) do update set
    user_id = excluded.user_id,
    app_id = excluded.app_id,
    app_name = excluded.app_name,
    operation = excluded.operation,
    is_skipped = excluded.is_skipped,
    opened_at = excluded.opened_at,
    last_failure_at = excluded.last_failure_at,
    last_failure_id = excluded.last_failure_id,
    attempts = excluded.attempts,
    error_fingerprint = excluded.error_fingerprint,
    resolved_at = excluded.resolved_at,
    resolved_by = excluded.resolved_by,
    is_resolution_timed = excluded.is_resolution_timed
