select min(created_at), max(created_at) from provisioning_failures
where account = $1 and error_fingerprint = $2 and outcome = 'failed' and twin_of is null
  and created_at between $3 and $4
