drop index if exists provisioning_failures_by_user;
drop index if exists provisioning_successes_by_user;
