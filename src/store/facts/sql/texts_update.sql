with counted (account, error_fingerprint, first_failure_at, last_failure_at, failures) as (values /*rows*/)
update error_texts set
    first_failure_at = counted.first_failure_at,
    last_failure_at = counted.last_failure_at,
    failures = counted.failures
from counted
where error_texts.account = counted.account and error_texts.error_fingerprint = counted.error_fingerprint
