select success_id, content_hash from provisioning_successes where success_id in (/*rows*/)
