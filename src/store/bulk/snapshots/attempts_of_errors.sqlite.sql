with given (account, user_id, error_fingerprint) as (values (?,?,?), (?,?,?))
select f.failure_id, f.source, f.user_id, f.operation, f.outcome, f.app_id, f.app_name, f.created_at,
       f.error_fingerprint, f.solved, f.resolved_at, f.twin_of
from given g
join provisioning_failures f on f.account = g.account and f.user_id = g.user_id
    and f.error_fingerprint = g.error_fingerprint
