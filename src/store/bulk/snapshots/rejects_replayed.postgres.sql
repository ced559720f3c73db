-- The same text was loaded after all: by a program that can read more, or as the winner of a collision.
with loaded (account, reject_id, at) as (select * from unnest($1,$2,$3))
update rejected_records set replayed_at = loaded.at
from loaded
where rejected_records.account = loaded.account and rejected_records.reject_id = loaded.reject_id
  and rejected_records.replayed_at is null
