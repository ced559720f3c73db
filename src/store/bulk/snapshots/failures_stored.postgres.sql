-- As failures_between.sql, for a batch whose keys lie far apart.
select failure_id, content_hash, raw is not null, run_id, synced_at
from provisioning_failures where (account, failure_id) in (select * from unnest($1,$2))
