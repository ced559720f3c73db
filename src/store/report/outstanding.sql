-- The longest first, which are those that are overdue. They are chosen before anything is joined to them.
select o.account, o.reason, o.user_id, o.display_name, o.email, o.username, o.firstname, o.lastname,
       o.operation, o.app_name, o.opened_at, o.is_overdue, o.hours_open, o.attempts,
       o.error_description as error, o.error_class, o.recommended_action
from (
    select account, case_id
    from outstanding_deprovisioning
    where account = $1 and status = $2
    order by opened_at, case_id
    limit $3
) i
join outstanding_deprovisioning o on o.account = i.account and o.case_id = i.case_id
order by o.opened_at, o.case_id
