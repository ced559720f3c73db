with since (account, user_id, at) as (select * from unnest($1,$2,$3))
select e.success_id, e.source, e.user_id, e.operation, 'succeeded', e.app_id, e.app_name, e.created_at,
       null, null, null, null
from since s
join provisioning_successes e on e.account = s.account and e.user_id = s.user_id and e.created_at >= s.at
