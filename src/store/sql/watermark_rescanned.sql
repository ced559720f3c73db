update watermarks set rescanned_at = $4, rescan_next = $5
where account = $1 and source = $2 and lease_token = $3
