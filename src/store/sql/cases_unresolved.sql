select account, count(case when status = 'open' then 1 end), count(case when status = 'unknown' then 1 end)
from open_cases
where $1 is null or account = $1
group by account
