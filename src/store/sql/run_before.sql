select status, started_at from sync_runs
where account = $1 and source = $2 and run_id <> $3
order by started_at desc, run_id desc
limit 1
