update watermarks set lease_owner = null, lease_expires_at = null, updated_at = $4
where account = $1 and source = $2 and lease_token = $3
