update reading_plans set reserved_calls = $3, reserved_minute = $4 where account = $1 and source = $2
