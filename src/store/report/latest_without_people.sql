-- As latest.sql, and reads no personal column: a role may not be allowed to.
select f.account, f.created_at, f.user_id, null as display_name, null as email, null as username,
       null as firstname, null as lastname, f.operation, f.app_name, null as description,
       t.example as error, f.error_class
from failures f
left join error_texts t on t.account = f.account and t.error_fingerprint = f.error_fingerprint
where f.account = $1 and f.created_at >= $2 and f.created_at < $3
order by f.created_at desc, f.failure_id desc
limit $4
