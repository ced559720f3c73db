-- What is stored of a batch. The run and time that wrote a row show a collision within this very window.
-- Keys sort by time, so a batch is a range of them that holds few other rows.
select failure_id, content_hash, raw is not null, run_id, synced_at
from provisioning_failures where account = $1 and failure_id between $2 and $3 limit $4
