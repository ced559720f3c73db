select account, created_at, user_id, display_name, email, username, firstname, lastname, operation, app_name,
       description, error_description as error, error_class
from failures
where account = $1 and created_at >= $2 and created_at < $3
order by created_at desc, failure_id desc
limit $4
