-- The guard is repeated here because a run of another source may write the same people meanwhile.
insert into users (
    account, user_id, email, username, firstname, lastname,
    last_failure_id, last_failure_at, first_seen_at, synced_at, run_id
) values /*rows*/
on conflict (account, user_id) do update set
    email = excluded.email,
    username = excluded.username,
    firstname = excluded.firstname,
    lastname = excluded.lastname,
    last_failure_id = excluded.last_failure_id,
    last_failure_at = excluded.last_failure_at,
    synced_at = excluded.synced_at,
    run_id = excluded.run_id
where users.last_failure_id <= excluded.last_failure_id
