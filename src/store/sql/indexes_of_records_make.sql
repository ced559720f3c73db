create index if not exists provisioning_failures_by_user on provisioning_failures (account, user_id, operation, created_at);
create index if not exists provisioning_successes_by_user on provisioning_successes (account, user_id, created_at);
