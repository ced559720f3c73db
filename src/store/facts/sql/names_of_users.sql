with given (account, user_id) as (values /*rows*/)
select u.user_id, u.display_name, u.email, u.username, u.firstname, u.lastname
from given g
join users u on u.account = g.account and u.user_id = g.user_id
