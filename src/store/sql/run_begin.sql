insert into sync_runs (
    run_id, account, source, status, started_at, version,
    fetched, inserted, updated, unchanged, rejected, users_written, requests, retries, bytes,
    successes, ignored, people_pending
) values ($1, $2, $3, 'running', $4, $5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
