update reading_plans set takes_one_type = null, types_compared_at = null where account = $1 and source = $2
