select failure_id, raw from provisioning_failures where (account, failure_id) in (select * from unnest($1,$2))
