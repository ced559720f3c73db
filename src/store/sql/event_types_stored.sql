select event_type_id, checked_at from event_types where account = $1
