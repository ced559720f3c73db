-- Failures that an earlier version wrote.
select f.failure_id, f.error_description, f.description,
       u.display_name, u.email, u.username, u.firstname, u.lastname
from provisioning_failures f
left join users u on u.account = f.account and u.user_id = f.user_id
where f.account = $1 and f.failure_id > $2 and f.error_fingerprint is null and f.outcome = 'failed'
order by f.failure_id
limit 2000
