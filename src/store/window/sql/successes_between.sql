-- As failures_between.sql.
select success_id, content_hash, raw is not null, run_id, synced_at
from provisioning_successes where success_id between $1 and $2 limit $3
