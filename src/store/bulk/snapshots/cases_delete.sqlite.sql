delete from provisioning_cases where (account, case_id) in (values (?,?), (?,?))
