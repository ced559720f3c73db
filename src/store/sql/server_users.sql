update reading_plans set users_at_once = $3, users_at_once_at = $4 where account = $1 and source = $2
