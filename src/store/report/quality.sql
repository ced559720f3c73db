select account, check_name, failures_30_days, failures_checked
from data_quality
where account = $1
order by check_name
limit $2
