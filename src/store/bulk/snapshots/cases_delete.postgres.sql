delete from provisioning_cases where (account, case_id) in (select * from unnest($1,$2))
