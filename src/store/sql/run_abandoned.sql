-- The caller holds the lease, so no other run is alive: rows with the status `running` are of runs that
-- did not report an end.
update sync_runs set status = 'interrupted', finished_at = $4, error = $5
where account = $1 and source = $2 and run_id <> $3 and status = 'running'
