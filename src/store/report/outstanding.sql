-- The longest first, which are those that are overdue.
select account, reason, user_id, display_name, email, username, firstname, lastname,
       operation, app_name, opened_at, is_overdue, hours_open, attempts,
       error_description as error, error_class, recommended_action
from outstanding_deprovisioning
where account = $1 and status = $2
order by opened_at, case_id
limit $3
