-- The cases of users, operations and apps that events since some time may change. Apps are compared by id where
-- both have one, and else by name. A case without an app id may hold failures with the event's id under an earlier
-- name of the app, so an event with an id finds those of all names.
with since (account, user_id, operation, app_id, app_name, at) as (values (?,?,?,?,?,?), (?,?,?,?,?,?))
select c.case_id, c.user_id, c.app_id, c.app_name, c.operation, c.is_skipped, c.opened_at, c.last_failure_at,
       c.last_failure_id, c.attempts, c.error_fingerprint, c.resolved_at, c.resolved_by, c.is_resolution_timed
from since s
join provisioning_cases c on c.account = s.account and c.user_id = s.user_id and c.operation = s.operation
where (c.resolved_at is null or c.resolved_at >= s.at or c.last_failure_at >= s.at)
  and (c.app_id = s.app_id
       or (c.app_id is null and s.app_id is not null)
       or (s.app_id is null and c.app_name is not distinct from s.app_name))
