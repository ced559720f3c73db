select first_failure_at, failures, error_class, example
from new_errors
where account = 'demo'
order by failures desc, error_fingerprint limit 3
