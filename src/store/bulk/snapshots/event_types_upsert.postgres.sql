insert into event_types (account, event_type_id, name, description, first_seen_at, checked_at)
select * from unnest($1,$2,$3,$4,$5,$6)
on conflict (account, event_type_id) do update set
    name = excluded.name,
    description = excluded.description,
    checked_at = excluded.checked_at

-- New rows:
copy event_types (account, event_type_id, name, description, first_seen_at, checked_at)
from stdin (format binary)
