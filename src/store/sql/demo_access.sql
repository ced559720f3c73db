select display_name, app_name, reason, status, hours_open, attempts, error_class
from outstanding_deprovisioning
where account = 'demo' and is_overdue
order by opened_at, case_id limit 5
