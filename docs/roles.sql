-- Roles for Postgres, so that the job does not own the tables and a BI tool can only read views. docs/security.md
-- describes them. Run this as the owner of the tables, who may create roles, after each `migrate`: a migration may
-- have made tables and views.
--
--     psql -v ON_ERROR_STOP=1 -f docs/roles.sql "$DATABASE_URL"

do $$
begin
    if not exists (select from pg_roles where rolname = 'onelogin_loader') then
        create role onelogin_loader login;
    end if;
end
$$;

-- The job, as `sync --no-migrate`. It deletes only what it makes again: counts of calls, and the tables that are
-- built from the failures.
grant usage on schema public to onelogin_loader;
grant select on refinery_schema_history, data_dictionary, sync_health to onelogin_loader;
grant select, insert, update on
    accounts, users, provisioning_failures, provisioning_successes, rejected_records, watermarks, sync_runs,
    sync_windows, event_types
    to onelogin_loader;
grant select, insert, update, delete on api_calls, provisioning_cases, failures_by_day, error_texts
    to onelogin_loader;
