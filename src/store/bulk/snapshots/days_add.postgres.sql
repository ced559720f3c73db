insert into failures_by_day (
    account, day, app_name, operation, error_fingerprint, failures, successes, skipped, opened, resolved
) select * from unnest($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)
on conflict (account, day, app_name, operation, error_fingerprint) do update set
    failures = failures_by_day.failures + excluded.failures,
    successes = failures_by_day.successes + excluded.successes,
    skipped = failures_by_day.skipped + excluded.skipped,
    opened = failures_by_day.opened + excluded.opened,
    resolved = failures_by_day.resolved + excluded.resolved

-- New rows:
copy failures_by_day (
    account, day, app_name, operation, error_fingerprint, failures, successes, skipped, opened, resolved
) from stdin (format binary)
