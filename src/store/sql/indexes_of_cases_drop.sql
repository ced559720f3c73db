drop index if exists provisioning_cases_by_user;
drop index if exists provisioning_cases_by_time;
drop index if exists provisioning_cases_by_app;
drop index if exists provisioning_cases_repeated;
drop index if exists provisioning_cases_by_resolution;
