insert into rejected_records (
    reject_id, run_id, account, source, reason, detail, raw, first_seen_at, last_seen_at
) values /*rows*/
on conflict (account, reject_id) do update set
    run_id = excluded.run_id,
    reason = excluded.reason,
    detail = excluded.detail,
    last_seen_at = excluded.last_seen_at,
    replayed_at = null
