set client_min_messages = warning;
create table if not exists users (
    id bigint primary key, email text, username text, firstname text, lastname text, seen_at timestamptz
);
insert into users
select distinct on (("user" ->> 'id')::bigint)
       ("user" ->> 'id')::bigint, "user" ->> 'email', "user" ->> 'username', "user" ->> 'firstname',
       "user" ->> 'lastname', created_at
from failures where "user" ->> 'id' is not null and created_at >= :'since'
order by ("user" ->> 'id')::bigint, created_at desc, id desc
on conflict (id) do update set email = excluded.email, username = excluded.username,
    firstname = excluded.firstname, lastname = excluded.lastname, seen_at = excluded.seen_at
where users.seen_at <= excluded.seen_at;
