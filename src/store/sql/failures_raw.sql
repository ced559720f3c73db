select raw from provisioning_failures where failure_id in (/*rows*/)
