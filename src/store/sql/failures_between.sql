-- What is stored of a batch, and who wrote it: a row of this very window tells a collision. Ids order by
-- time, so that a batch is a range of them, with few others in it.
select failure_id, content_hash, raw is not null, run_id, synced_at
from provisioning_failures where failure_id between $1 and $2 limit $3
