select account,
       count(case when status = 'open' then 1 end) as open_cases,
       count(case when status = 'open' and is_overdue then 1 end) as open_overdue,
       count(distinct case when status = 'open' then user_id end) as open_people,
       count(case when status = 'unknown' then 1 end) as unknown_cases,
       count(case when status = 'unknown' and is_overdue then 1 end) as unknown_overdue,
       count(distinct case when status = 'unknown' then user_id end) as unknown_people
from outstanding_deprovisioning
where account = $1
group by account
limit $2
