-- At one time successes come first, as in events_of_users.sql.
select id, source, user_id, operation, outcome, app_id, app_name, created_at, error_fingerprint, solved, resolved_at, twin_of
from (
    select failure_id as id, source, user_id, operation, outcome, app_id, app_name, created_at,
           error_fingerprint, solved, resolved_at, twin_of
    from provisioning_failures
    where account = $1 and user_id is null
    union all
    select success_id, source, user_id, operation, 'succeeded', app_id, app_name, created_at,
           null, null, null, null
    from provisioning_successes
    where account = $1 and user_id is null
) events
order by created_at, case when outcome = 'succeeded' then 0 else 1 end, id
