insert into event_types (account, event_type_id, name, description, first_seen_at, checked_at)
values (?,?,?,?,?,?), (?,?,?,?,?,?)
on conflict (account, event_type_id) do update set
    name = excluded.name,
    description = excluded.description,
    checked_at = excluded.checked_at

-- New rows:
insert or fail into event_types (account, event_type_id, name, description, first_seen_at, checked_at)
values (?,?,?,?,?,?), (?,?,?,?,?,?)
