-- As said at the time of asking: a legacy failure may know something newer.
with said (account, user_id, profile_id, profile_at, email, username, firstname, lastname, synced_at, run_id)
    as (values /*rows*/)
update users set
    profile_id = said.profile_id,
    profile_at = said.profile_at,
    profile_source = 'users',
    email = said.email,
    username = said.username,
    firstname = said.firstname,
    lastname = said.lastname,
    synced_at = said.synced_at,
    run_id = said.run_id
from said
where users.account = said.account and users.user_id = said.user_id
  and (users.profile_id is null or users.profile_id <= said.profile_id)
