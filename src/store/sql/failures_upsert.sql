-- Only rows that are new or changed come here.
insert into provisioning_failures (
    failure_id, account, source, source_id, login_id, user_id, operation, app_name, created_at,
    created_at_raw, description, error_description, raw, content_hash, first_seen_at, synced_at, run_id
) values /*rows*/
on conflict (failure_id) do update set
    operation = excluded.operation,
    app_name = excluded.app_name,
    created_at_raw = excluded.created_at_raw,
    error_description = excluded.error_description,
    raw = excluded.raw,
    content_hash = excluded.content_hash,
    synced_at = excluded.synced_at,
    run_id = excluded.run_id
