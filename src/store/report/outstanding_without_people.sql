-- As outstanding.sql, and reads no personal column: a role may not be allowed to.
select o.account, o.reason, o.user_id, null as display_name, null as email, null as username,
       null as firstname, null as lastname,
       o.operation, o.app_name, o.opened_at, o.is_overdue, o.hours_open, o.attempts,
       t.example as error, o.error_class, o.recommended_action
from outstanding_deprovisioning o
left join error_texts t on t.account = o.account and t.error_fingerprint = o.error_fingerprint
where o.account = $1 and o.status = $2
order by o.opened_at, o.case_id
limit $3
