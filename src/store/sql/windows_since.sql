select window_from, window_to, fetched, successes + ignored
from sync_windows
where account = $1 and source = $2 and window_id >= $3
order by window_id
