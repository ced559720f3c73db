-- Only new and changed rows are written. A legacy failure keeps its person and description, because its
-- identity is made of them.
insert into provisioning_failures (
    failure_id, account, source, source_id, login_id, user_id, operation, operation_source, outcome,
    app_id, app_name, event_type_id, created_at, created_at_raw, description, error_description,
    error_fingerprint, solved, resolved_at, resolution, raw, content_hash, is_late, first_seen_at,
    synced_at, run_id
) select * from unnest($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26)
on conflict (account, failure_id) do update set
    login_id = excluded.login_id,
    user_id = excluded.user_id,
    operation = excluded.operation,
    operation_source = excluded.operation_source,
    outcome = excluded.outcome,
    app_id = excluded.app_id,
    app_name = excluded.app_name,
    event_type_id = excluded.event_type_id,
    created_at_raw = excluded.created_at_raw,
    description = excluded.description,
    error_description = excluded.error_description,
    error_fingerprint = excluded.error_fingerprint,
    solved = excluded.solved,
    resolved_at = excluded.resolved_at,
    resolution = excluded.resolution,
    raw = excluded.raw,
    content_hash = excluded.content_hash,
    synced_at = excluded.synced_at,
    run_id = excluded.run_id

-- New rows:
copy provisioning_failures (
    failure_id, account, source, source_id, login_id, user_id, operation, operation_source, outcome,
    app_id, app_name, event_type_id, created_at, created_at_raw, description, error_description,
    error_fingerprint, solved, resolved_at, resolution, raw, content_hash, is_late, first_seen_at,
    synced_at, run_id
) from stdin (format binary)
