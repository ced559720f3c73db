select page, takes_one_type, types_compared_at, users_at_once, users_at_once_at
from reading_plans
where account = $1 and source = $2
