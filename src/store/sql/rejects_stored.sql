select reject_id from rejected_records where replayed_at is null and reject_id in (/*rows*/)
