update sync_runs set
    fetched = fetched + $2, inserted = inserted + $3, updated = updated + $4,
    unchanged = unchanged + $5, rejected = rejected + $6, users_written = users_written + $7,
    successes = successes + $8, ignored = ignored + $9,
    requests = $10, retries = $11, bytes = $12
where account = $13 and run_id = $1
