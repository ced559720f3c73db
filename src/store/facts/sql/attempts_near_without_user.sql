-- As attempts_near.sql. The column user_id of the rows is null.
with near (account, user_id, operation, from_at, to_at) as (values /*rows*/)
select f.failure_id, f.source, f.user_id, f.operation, f.outcome, f.app_id, f.app_name, f.created_at,
       f.error_fingerprint, f.solved, f.resolved_at, f.twin_of
from near n
join provisioning_failures f on f.account = n.account and f.user_id is null and f.operation = n.operation
    and f.created_at between n.from_at and n.to_at
