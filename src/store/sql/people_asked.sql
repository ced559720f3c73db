-- Also those who are not there any more: they are not asked about again at once.
with asked (account, user_id, asked_at) as (values /*rows*/)
update users set asked_at = asked.asked_at
from asked
where users.account = asked.account and users.user_id = asked.user_id
