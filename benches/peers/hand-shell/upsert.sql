create temp table stage (
    id bigint, login_id text, created_at timestamptz, description text, error_description text,
    user_id bigint, email text, username text, firstname text, lastname text
) on commit drop;
\copy stage from pstdin with (format csv)
insert into failures select id, login_id, user_id, created_at, description, error_description from stage
on conflict (id, login_id, created_at) do update set
    user_id = excluded.user_id, description = excluded.description, error_description = excluded.error_description;
insert into users
select distinct on (user_id) user_id, email, username, firstname, lastname, created_at
from stage where user_id is not null order by user_id, created_at desc, id desc
on conflict (id) do update set email = excluded.email, username = excluded.username,
    firstname = excluded.firstname, lastname = excluded.lastname, seen_at = excluded.seen_at
where users.seen_at <= excluded.seen_at;
delete from state;
insert into state select max(created_at) from failures;
