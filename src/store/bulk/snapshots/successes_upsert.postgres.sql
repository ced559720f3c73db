-- Only new and changed rows are written.
insert into provisioning_successes (
    success_id, account, source, source_id, user_id, user_name, operation, app_id, app_name,
    event_type_id, created_at, created_at_raw, raw, content_hash, first_seen_at, synced_at, run_id
) select * from unnest($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)
on conflict (account, success_id) do update set
    user_id = excluded.user_id,
    user_name = excluded.user_name,
    operation = excluded.operation,
    app_id = excluded.app_id,
    app_name = excluded.app_name,
    event_type_id = excluded.event_type_id,
    created_at_raw = excluded.created_at_raw,
    raw = excluded.raw,
    content_hash = excluded.content_hash,
    synced_at = excluded.synced_at,
    run_id = excluded.run_id

-- New rows:
copy provisioning_successes (
    success_id, account, source, source_id, user_id, user_name, operation, app_id, app_name,
    event_type_id, created_at, created_at_raw, raw, content_hash, first_seen_at, synced_at, run_id
) from stdin (format binary)
