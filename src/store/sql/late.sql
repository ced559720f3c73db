select count(*) from provisioning_failures where run_id = $1 and created_at <= $2
