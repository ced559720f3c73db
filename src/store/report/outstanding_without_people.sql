-- As outstanding.sql, and reads no personal column: a role may not be allowed to.
select o.account, o.reason, o.user_id, null as display_name, null as email, null as username,
       null as firstname, null as lastname,
       o.operation, o.app_name, o.opened_at, o.is_overdue, o.hours_open, o.attempts,
       t.example as error, o.error_class, o.recommended_action
from (
    select account, case_id
    from outstanding_deprovisioning
    where account = $1 and status = $2
    order by opened_at, case_id
    limit $3
) i
join outstanding_deprovisioning o on o.account = i.account and o.case_id = i.case_id
left join error_texts t on t.account = o.account and t.error_fingerprint = o.error_fingerprint
order by o.opened_at, o.case_id
