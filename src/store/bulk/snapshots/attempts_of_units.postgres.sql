with unit (account, user_id, operation, at) as (select * from unnest($1,$2,$3,$4))
select f.failure_id, f.source, f.user_id, f.operation, f.outcome, f.app_id, f.app_name, f.created_at,
       f.error_fingerprint, f.solved, f.resolved_at, f.twin_of
from unit u
join provisioning_failures f on f.account = u.account and f.user_id = u.user_id and f.operation = u.operation
    and f.created_at >= u.at
where f.twin_of is null
