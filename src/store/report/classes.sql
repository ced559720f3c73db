select account, error_class, retryable, recommended_action, failures_7_days, failures_30_days,
       people_30_days
from failures_by_error_class
where account = $1
order by failures_30_days desc, last_failure_at desc
limit $2
