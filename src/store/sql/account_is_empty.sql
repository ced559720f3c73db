select not exists (select 1 from provisioning_failures where account = $1)
   and not exists (select 1 from provisioning_successes where account = $1)
