select exists (select 1 from provisioning_cases where account = $1 and user_id > $2)
