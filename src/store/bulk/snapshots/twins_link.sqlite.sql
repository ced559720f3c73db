with linked (account, failure_id, twin_of) as (values (?,?,?), (?,?,?))
update provisioning_failures set twin_of = linked.twin_of
from linked
where provisioning_failures.account = linked.account and provisioning_failures.failure_id = linked.failure_id
