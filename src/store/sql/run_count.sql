update sync_runs set
    fetched = fetched + $2, inserted = inserted + $3, updated = updated + $4,
    unchanged = unchanged + $5, rejected = rejected + $6, users_written = users_written + $7,
    requests = $8, retries = $9, bytes = $10
where run_id = $1
