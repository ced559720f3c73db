update watermarks set density = $4 where account = $1 and source = $2 and lease_token = $3
