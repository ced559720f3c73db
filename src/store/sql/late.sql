select count(*) from provisioning_failures where account = $1 and run_id = $2 and created_at <= $3
