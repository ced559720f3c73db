-- A user has a row before the failures that name them. Stored details stay as they are for now.
insert into users (
    account, user_id, last_failure_id, last_failure_at, display_name, profile_id, profile_at,
    profile_source, email, username, firstname, lastname, first_seen_at, synced_at, run_id
) select * from unnest($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)
on conflict (account, user_id) do nothing
returning user_id

-- New rows:
copy users (
    account, user_id, last_failure_id, last_failure_at, display_name, profile_id, profile_at,
    profile_source, email, username, firstname, lastname, first_seen_at, synced_at, run_id
) from stdin (format binary)
