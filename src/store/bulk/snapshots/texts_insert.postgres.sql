-- The text of a fingerprint stays as it is.
insert into error_texts (
    account, error_fingerprint, text, example, error_class, retryable, recommended_action,
    first_failure_at, last_failure_at, failures
) select * from unnest($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)
on conflict (account, error_fingerprint) do nothing

-- New rows:
copy error_texts (
    account, error_fingerprint, text, example, error_class, retryable, recommended_action,
    first_failure_at, last_failure_at, failures
) from stdin (format binary)
