pragma journal_mode = wal;
pragma synchronous = normal;
begin;
create temp table stage as
select value ->> '$.id' as id, value ->> '$.login_id' as login_id,
       value ->> '$.description' as description, value ->> '$.error_description' as error_description,
       strftime('%Y-%m-%dT%H:%M:%SZ',
                replace(substr(value ->> '$.created_at', 1, 10), '/', '-') || 'T' ||
                substr(value ->> '$.created_at', 12, 8) || substr(value ->> '$.created_at', 21, 3) || ':' ||
                substr(value ->> '$.created_at', 24, 2)) as created_at,
       value ->> '$.user.id' as user_id, value ->> '$.user.email' as email,
       value ->> '$.user.username' as username, value ->> '$.user.firstname' as firstname,
       value ->> '$.user.lastname' as lastname
from json_each(readfile(@body));
insert into failures select id, login_id, user_id, created_at, description, error_description from stage where true
on conflict do update set
    user_id = excluded.user_id, description = excluded.description, error_description = excluded.error_description;
-- SQLite takes the other columns of a group from the row with the greatest `created_at`.
insert into users
select user_id, email, username, firstname, lastname, max(created_at) from stage
where user_id is not null group by user_id
on conflict do update set email = excluded.email, username = excluded.username,
    firstname = excluded.firstname, lastname = excluded.lastname, seen_at = excluded.seen_at
where users.seen_at <= excluded.seen_at;
delete from state;
insert into state select max(created_at) from failures;
commit;
