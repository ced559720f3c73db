-- As failures_stored.sql.
select success_id, content_hash, raw is not null, run_id, synced_at
from provisioning_successes where (account, success_id) in (values /*rows*/)
