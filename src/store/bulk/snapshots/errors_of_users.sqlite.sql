with given (account, user_id) as (values (?,?), (?,?))
select distinct f.user_id, f.error_fingerprint
from given g
join provisioning_failures f on f.account = g.account and f.user_id = g.user_id
where f.error_fingerprint is not null
