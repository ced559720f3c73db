-- The last run of the source, but for those that loaded a file or came to no request.
select status, started_at from sync_runs
where account = $1 and source = $2 and run_id <> $3 and (requests > 0 or status = 'interrupted')
order by started_at desc, run_id desc
limit 1
