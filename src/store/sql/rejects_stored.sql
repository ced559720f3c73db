-- Open, or closed by this very window: the first of two colliding records is loaded, and so closed,
-- before the second displaces it once more.
select reject_id from rejected_records
where (replayed_at is null or replayed_at = $1) and reject_id in (/*rows*/)
