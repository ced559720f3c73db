select account, app_name, error_class, retryable, recommended_action,
       count(case when status = 'open' then 1 end) as open_cases,
       count(case when status = 'unknown' then 1 end) as unknown_cases,
       min(opened_at) as oldest_at
from open_cases
where account = $1
group by account, app_name, error_class, retryable, recommended_action
order by count(*) desc, min(opened_at)
limit $2
