select account, source, high_water_mark, scanned_through, mark_age_seconds, scan_age_seconds,
       last_run_id, last_run_status, last_run_started_at, last_run_finished_at,
       last_run_exit_code, last_run_error, open_rejects, read_from, is_watermark_ahead
from sync_health
where $1 is null or account = $1
order by account, source
