-- Calls of the future were counted under a wrong clock.
delete from api_calls where account = $1 and (minute <= $2 or minute > $3)
