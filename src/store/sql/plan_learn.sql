update reading_plans set densest = $3 where account = $1 and source = $2
