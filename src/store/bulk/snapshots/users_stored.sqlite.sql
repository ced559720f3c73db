select user_id from users where (account, user_id) in (values (?,?), (?,?))
