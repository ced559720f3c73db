with filled (account, failure_id, error_fingerprint) as (values /*rows*/)
update provisioning_failures set error_fingerprint = filled.error_fingerprint
from filled
where provisioning_failures.account = filled.account and provisioning_failures.failure_id = filled.failure_id
