insert into reading_plans (account, source, planned_part, reserved_calls) values ($1, $2, $3, 0)
on conflict (account, source) do update set
    planned_part = excluded.planned_part, reserved_calls = 0, reserved_minute = null
