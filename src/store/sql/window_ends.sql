-- Ends of windows that were read from the source; a run that loaded a file made no request.
select w.window_to, w.committed_at
from sync_windows w
join sync_runs r on r.account = w.account and r.run_id = w.run_id
where w.account = $1 and w.source = $2 and w.window_to <= $3 and r.requests > 0
order by w.window_to desc
limit 1000
