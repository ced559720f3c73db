-- The same text was loaded after all: by a program that reads more, or as the winner of a collision.
update rejected_records set replayed_at = $1 where replayed_at is null and reject_id in (/*rows*/)
