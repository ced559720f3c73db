update reading_plans set takes_one_type = $3, types_compared_at = $4 where account = $1 and source = $2
