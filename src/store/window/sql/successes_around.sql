-- As failures_around.sql.
select
    (select success_id from provisioning_successes where account = $1 and success_id < $2 order by success_id desc limit 1),
    (select success_id from provisioning_successes where account = $1 and success_id > $3 order by success_id limit 1)
