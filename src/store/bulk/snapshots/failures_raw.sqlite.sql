select failure_id, raw from provisioning_failures where (failure_id) in (values (?), (?))
