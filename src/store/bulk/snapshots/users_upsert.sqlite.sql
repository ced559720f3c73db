-- A user has two parts, and each is taken as a whole from its newest version: the name, which every
-- failure gives, and the profile, which only a legacy failure or the users API gives. An older version
-- changes nothing, also if a run of another source writes the same users meanwhile.
insert into users (
    account, user_id, last_failure_id, last_failure_at, display_name, profile_id, profile_at,
    profile_source, email, username, firstname, lastname, first_seen_at, synced_at, run_id
) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?), (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
on conflict (account, user_id) do update set
    last_failure_id = case when users.last_failure_id <= excluded.last_failure_id
        then excluded.last_failure_id else users.last_failure_id end,
    last_failure_at = case when users.last_failure_id <= excluded.last_failure_id
        then excluded.last_failure_at else users.last_failure_at end,
    display_name = case when users.last_failure_id <= excluded.last_failure_id
        then excluded.display_name else users.display_name end,
    profile_id = case when excluded.profile_id >= coalesce(users.profile_id, excluded.profile_id)
        then excluded.profile_id else users.profile_id end,
    profile_at = case when excluded.profile_id >= coalesce(users.profile_id, excluded.profile_id)
        then excluded.profile_at else users.profile_at end,
    profile_source = case when excluded.profile_id >= coalesce(users.profile_id, excluded.profile_id)
        then excluded.profile_source else users.profile_source end,
    email = case when excluded.profile_id >= coalesce(users.profile_id, excluded.profile_id)
        then excluded.email else users.email end,
    username = case when excluded.profile_id >= coalesce(users.profile_id, excluded.profile_id)
        then excluded.username else users.username end,
    firstname = case when excluded.profile_id >= coalesce(users.profile_id, excluded.profile_id)
        then excluded.firstname else users.firstname end,
    lastname = case when excluded.profile_id >= coalesce(users.profile_id, excluded.profile_id)
        then excluded.lastname else users.lastname end,
    synced_at = excluded.synced_at,
    run_id = excluded.run_id
where users.last_failure_id < excluded.last_failure_id
   or (users.last_failure_id = excluded.last_failure_id
       and users.display_name is distinct from excluded.display_name)
   or users.profile_id < excluded.profile_id
   or (users.profile_id is null and excluded.profile_id is not null)
   or (users.profile_id = excluded.profile_id
       and (users.email is distinct from excluded.email
            or users.username is distinct from excluded.username
            or users.firstname is distinct from excluded.firstname
            or users.lastname is distinct from excluded.lastname))

-- New rows:
-- A user has two parts, and each is taken as a whole from its newest version: the name, which every
-- failure gives, and the profile, which only a legacy failure or the users API gives. An older version
-- changes nothing, also if a run of another source writes the same users meanwhile.
insert or fail into users (
    account, user_id, last_failure_id, last_failure_at, display_name, profile_id, profile_at,
    profile_source, email, username, firstname, lastname, first_seen_at, synced_at, run_id
) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?), (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
