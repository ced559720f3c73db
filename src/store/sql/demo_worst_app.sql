select app_name, failures_7_days, failures_30_days, people_30_days, open_cases, unknown_cases
from failures_by_app
where account = 'demo'
order by failures_30_days desc, app_name limit 3
