-- A user has a row before the failures that name them. Stored details stay as they are for now.
insert into users (
    account, user_id, last_failure_id, last_failure_at, display_name, profile_id, profile_at,
    profile_source, email, username, firstname, lastname, first_seen_at, synced_at, run_id
) values /*rows*/
on conflict (account, user_id) do nothing
returning user_id
