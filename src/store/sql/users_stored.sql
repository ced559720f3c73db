select user_id, last_failure_id, email, username, firstname, lastname
from users where account = $1 and user_id in (/*rows*/)
