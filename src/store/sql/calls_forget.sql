delete from api_calls where account = $1 and minute <= $2
