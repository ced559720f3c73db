-- As failures_between.sql.
select success_id, content_hash, raw is not null, run_id, synced_at
from provisioning_successes where account = $1 and success_id between $2 and $3 limit $4
