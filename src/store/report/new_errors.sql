select account, example, error_class, retryable, recommended_action, first_failure_at, last_failure_at, failures,
       count(*) over () as in_all
from new_errors
where account = $1 and first_failure_at >= $2 and first_failure_at < $3
order by first_failure_at desc, error_fingerprint
limit $4
