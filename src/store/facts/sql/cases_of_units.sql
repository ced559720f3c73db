with unit (account, user_id, operation) as (values /*rows*/)
select c.case_id, c.user_id, c.app_id, c.app_name, c.operation, c.is_skipped, c.opened_at, c.last_failure_at,
       c.last_failure_id, c.attempts, c.error_fingerprint, c.resolved_at, c.resolved_by, c.is_resolution_timed
from unit u
join provisioning_cases c on c.account = u.account and c.user_id = u.user_id and c.operation = u.operation
