select user_id from users where account = $1 and user_id in (/*rows*/)
