delete from failures_by_day
where (account, day, app_name, operation, error_fingerprint) in (values /*rows*/)
  and failures = 0 and successes = 0 and skipped = 0 and opened = 0 and resolved = 0
