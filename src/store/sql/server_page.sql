update reading_plans set page = $3 where account = $1 and source = $2
