select count(*) from watermarks where account = $1 and lease_owner is not null
