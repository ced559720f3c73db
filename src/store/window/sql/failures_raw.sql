select failure_id, raw from provisioning_failures where (account, failure_id) in (values /*rows*/)
