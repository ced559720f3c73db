select account, source, read_from, scanned_through, scan_age_seconds, high_water_mark,
       last_run_status, last_run_finished_at, last_run_error, open_rejects, people_pending,
       successes_from, successes_through, is_watermark_ahead, is_rebuilding
from sync_health
order by account, source
