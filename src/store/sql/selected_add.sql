insert into selected_event_types (account, event_type_id, selected_from) values ($1, $2, $3)
on conflict (account, event_type_id) do nothing
