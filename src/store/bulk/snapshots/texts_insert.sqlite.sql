-- The text of a fingerprint stays as it is.
insert into error_texts (
    account, error_fingerprint, text, example, error_class, retryable, recommended_action,
    first_failure_at, last_failure_at, failures
) values (?,?,?,?,?,?,?,?,?,?), (?,?,?,?,?,?,?,?,?,?)
on conflict (account, error_fingerprint) do nothing

-- New rows:
-- The text of a fingerprint stays as it is.
insert or fail into error_texts (
    account, error_fingerprint, text, example, error_class, retryable, recommended_action,
    first_failure_at, last_failure_at, failures
) values (?,?,?,?,?,?,?,?,?,?), (?,?,?,?,?,?,?,?,?,?)
