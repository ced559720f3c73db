insert into rejected_records (
    reject_id, run_id, account, source, reason, detail, raw, first_seen_at, last_seen_at
) select * from unnest($1,$2,$3,$4,$5,$6,$7,$8,$9)
on conflict (account, reject_id) do update set
    run_id = excluded.run_id,
    reason = excluded.reason,
    detail = excluded.detail,
    last_seen_at = excluded.last_seen_at,
    replayed_at = null

-- New rows:
copy rejected_records (
    reject_id, run_id, account, source, reason, detail, raw, first_seen_at, last_seen_at
) from stdin (format binary)
