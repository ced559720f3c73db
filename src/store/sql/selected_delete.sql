delete from selected_event_types where account = $1 and event_type_id = $2
