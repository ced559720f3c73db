insert into sync_windows (
    window_id, run_id, account, source, window_from, window_to,
    fetched, inserted, updated, unchanged, rejected, successes, ignored, committed_at, is_from_file
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
