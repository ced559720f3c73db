-- The first run turns the API's dates into the usual form, later ones into this table leave them as they come.
update failures
set created_at = strftime('%Y-%m-%dT%H:%M:%SZ',
                          replace(substr(created_at, 1, 10), '/', '-') || 'T' || substr(created_at, 12, 8) ||
                          substr(created_at, 21, 3) || ':' || substr(created_at, 24, 2))
where created_at like '____/%';
create table if not exists users (
    id integer primary key, email text, username text, firstname text, lastname text, seen_at text
);
insert into users
select "user" ->> '$.id', "user" ->> '$.email', "user" ->> '$.username', "user" ->> '$.firstname',
       "user" ->> '$.lastname', max(created_at)
from failures where "user" ->> '$.id' is not null and created_at >= @since group by "user" ->> '$.id'
on conflict do update set email = excluded.email, username = excluded.username,
    firstname = excluded.firstname, lastname = excluded.lastname, seen_at = excluded.seen_at
where users.seen_at <= excluded.seen_at;
