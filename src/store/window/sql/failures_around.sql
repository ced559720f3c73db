-- The stored keys before and after a batch.
select
    (select failure_id from provisioning_failures where account = $1 and failure_id < $2 order by failure_id desc limit 1),
    (select failure_id from provisioning_failures where account = $1 and failure_id > $3 order by failure_id limit 1)
