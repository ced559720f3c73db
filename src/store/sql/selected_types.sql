select event_type_id from selected_event_types where account = $1 order by event_type_id
