-- As of the time of the request: a legacy failure may be newer.
with given (
    account, user_id, profile_id, profile_at, email, username, firstname, lastname, synced_at, run_id
) as (values /*rows*/)
update users set
    profile_id = given.profile_id,
    profile_at = given.profile_at,
    profile_source = 'users',
    email = given.email,
    username = given.username,
    firstname = given.firstname,
    lastname = given.lastname,
    synced_at = given.synced_at,
    run_id = given.run_id
from given
where users.account = given.account and users.user_id = given.user_id
  and (users.profile_id is null or users.profile_id <= given.profile_id)
