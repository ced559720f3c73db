-- The row is gone when the hour has passed since.
update api_calls set calls = calls - $3 where account = $1 and minute = $2
