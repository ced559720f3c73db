select w.window_from, w.window_to, w.fetched, w.successes + w.ignored, coalesce(r.is_failures_only, false)
from sync_windows w
left join reread_windows r on r.account = w.account and r.window_id = w.window_id
where w.account = $1 and w.source = $2 and w.window_id >= $3 and not w.is_from_file
order by w.window_id
