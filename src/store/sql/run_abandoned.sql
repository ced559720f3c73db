-- Whoever holds the lease knows that no other run is alive: the rows that say so are of runs that
-- were killed.
update sync_runs set status = 'interrupted', finished_at = $4, error = $5
where account = $1 and source = $2 and run_id <> $3 and status = 'running'
