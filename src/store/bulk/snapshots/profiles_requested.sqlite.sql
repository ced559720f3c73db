-- Also users who are no longer stored by OneLogin, so that they are not requested again at once.
with requested (account, user_id, asked_at) as (values (?,?,?), (?,?,?))
update users set asked_at = requested.asked_at
from requested
where users.account = requested.account and users.user_id = requested.user_id
