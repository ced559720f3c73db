select app_name as app, count(distinct user_id) as people, max(created_at) as latest
from open_failures
where operation = 'suspend'
group by app_name
order by people desc, app
limit 5
