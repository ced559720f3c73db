select account, month, app_name, operation, cases, median_seconds, p90_seconds, count(*) over () as in_all
from time_to_resolve
where account = $1 and month >= $2 and month <= $3
order by month desc, cases desc, operation
limit $4
