with sampled (account, failure_id) as (values (?,?), (?,?))
select f.failure_id, f.error_description, f.description,
       u.display_name, u.email, u.username, u.firstname, u.lastname
from sampled s
join provisioning_failures f on f.account = s.account and f.failure_id = s.failure_id
left join users u on u.account = f.account and u.user_id = f.user_id
