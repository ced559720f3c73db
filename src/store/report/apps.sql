select account, app_name, failures_7_days, failures_30_days, people_30_days, open_cases, unknown_cases,
       last_failure_at, count(*) over () as in_all
from failures_by_app
where account = $1
order by open_cases desc, unknown_cases desc, failures_30_days desc, last_failure_at desc
limit $2
