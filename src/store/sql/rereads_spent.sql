select r.span, cast(sum(r.pages) as bigint)
from sync_runs n
join sync_windows w on w.account = n.account and w.run_id = n.run_id
join reread_windows r on r.account = w.account and r.window_id = w.window_id
where n.account = $1 and n.source = $2 and n.started_at > $3
group by r.span
