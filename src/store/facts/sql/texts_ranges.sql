-- Days are not counted yet, so this reads all failures, once for some errors: those of the users that are built.
with given (account, error_fingerprint, last_user) as (values /*rows*/)
select error_fingerprint, min(created_at), max(created_at)
from provisioning_failures
where account = (select max(account) from given)
  and (account, error_fingerprint) in (select account, error_fingerprint from given)
  and outcome = 'failed' and twin_of is null
  and (user_id is null or user_id <= (select max(last_user) from given))
group by error_fingerprint
