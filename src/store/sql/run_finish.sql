update sync_runs set
    status = $2, finished_at = $3, exit_code = $4, error = $5, requests = $6, retries = $7, bytes = $8,
    people_pending = $9,
    users_written = case when $12 then $10 else (
        select count(*) from users where users.account = $11 and users.run_id = $1
    ) end
where account = $11 and run_id = $1
returning users_written
