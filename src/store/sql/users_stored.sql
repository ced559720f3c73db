select user_id, last_failure_id, last_failure_at, display_name, profile_id, profile_at,
       email, username, firstname, lastname
from users where account = $1 and user_id in (/*rows*/)
