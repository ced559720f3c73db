select user_id, display_name, email, username, firstname, lastname
from users where account = $1 and user_id between $2 and $3
