select count(*) from rejected_records where account = $1 and source = $2 and replayed_at is null
