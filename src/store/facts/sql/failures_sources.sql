select min(source), max(source) from provisioning_failures where account = $1
