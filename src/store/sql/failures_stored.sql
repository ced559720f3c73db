-- What is stored of a batch, and who wrote it: a row of this very window tells a collision.
select failure_id, content_hash, raw is not null, run_id, synced_at
from provisioning_failures where failure_id in (/*rows*/)
