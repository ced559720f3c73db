select lease_owner, lease_expires_at from watermarks where account = $1 and source = $2
