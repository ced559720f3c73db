-- Open, or closed by this very window: the first of two colliding records is loaded, and so closed,
-- before the second displaces it once more.
with window_rejects (account, reject_id, at) as (values (?,?,?), (?,?,?))
select r.reject_id
from window_rejects w
join rejected_records r on r.account = w.account and r.reject_id = w.reject_id
where r.replayed_at is null or r.replayed_at = w.at
