select success_id, source, user_id, operation, 'succeeded', app_id, app_name, created_at, null, null, null, null
from provisioning_successes where (account, success_id) in (values /*rows*/)
