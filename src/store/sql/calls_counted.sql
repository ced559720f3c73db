select cast(coalesce(sum(calls), 0) as bigint), min(minute) from api_calls where account = $1 and calls > 0
