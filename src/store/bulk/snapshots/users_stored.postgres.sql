select user_id from users where (account, user_id) in (select * from unnest($1,$2))
