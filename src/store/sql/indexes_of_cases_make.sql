create index if not exists provisioning_cases_by_user
    on provisioning_cases (account, user_id, operation, resolved_at, last_failure_at);
create index if not exists provisioning_cases_by_time
    on provisioning_cases (account, opened_at, app_id, app_name, operation, user_id, last_failure_at, resolved_at,
        is_skipped, attempts, error_fingerprint, case_id);
create index if not exists provisioning_cases_by_app
    on provisioning_cases (account, app_id, app_name, operation, opened_at, last_failure_at, resolved_at, is_skipped);
create index if not exists provisioning_cases_by_resolution
    on provisioning_cases (account, resolved_at, app_name, operation, opened_at, is_resolution_timed)
    where resolved_at is not null;
create index if not exists provisioning_cases_repeated
    on provisioning_cases (account, user_id, operation, opened_at, app_id, app_name, case_id, last_failure_at,
        is_skipped)
    where resolved_at is null and attempts > 1;
