-- The failures of each app on the day $2, which lasts from $3 to $4.
insert into apps_by_day (account, day, app_id, app_name, failures)
select $1, $2, app_id, app_name, count(*)
from (
    select coalesce(cast(app_id as text), '') as app_id,
           case when app_id is null then coalesce(app_name, '') else '' end as app_name
    from provisioning_failures
    where account = $1 and created_at >= $3 and created_at < $4 and outcome = 'failed' and twin_of is null
) failures
group by app_id, app_name
