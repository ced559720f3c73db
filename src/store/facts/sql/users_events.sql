select user_id, count(*)
from (
    select user_id from provisioning_failures where account = $1 and user_id is not null
    union all
    select user_id from provisioning_successes where account = $1 and user_id is not null
) events
group by user_id
order by user_id
