delete from provisioning_cases where account = $1 and user_id > $2 and user_id <= $3
