select error_fingerprint, failures, first_failure_at, last_failure_at
from error_texts where (account, error_fingerprint) in (select * from unnest($1,$2))
