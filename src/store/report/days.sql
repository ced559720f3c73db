select account, day, cast(sum(failures) as bigint) as failures, cast(sum(opened) as bigint) as opened,
       cast(sum(resolved) as bigint) as resolved
from failures_daily
where account = $1 and day >= $2 and day <= $3
group by account, day
order by day
