update reading_plans set takes_one_type = $3 where account = $1 and source = $2
