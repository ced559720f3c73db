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
    if not exists (select from pg_roles where rolname = 'onelogin_reader') then
        create role onelogin_reader login;
    end if;
end
$$;

-- The job, as `sync --no-migrate`. It deletes only what it makes again: counts of calls, plans of re-reading,
-- the list of event types, and the tables that are built from the failures.
grant usage on schema public to onelogin_loader;
grant select on refinery_schema_history, data_dictionary, sync_health, open_cases to onelogin_loader;
grant select, insert, update on
    accounts, users, provisioning_failures, provisioning_successes, rejected_records, watermarks, sync_runs,
    sync_windows, event_types, reading_plans, reread_windows
    to onelogin_loader;
grant select, insert, update, delete on
    api_calls, rereads, selected_event_types, provisioning_cases, failures_by_day, apps_by_day, error_texts
    to onelogin_loader;

-- A BI tool, and `status`. It reads every view, without the columns that are personal by the data dictionary: a
-- name, an address, or a sentence that may contain one. `status` also reads when spans were read again.
grant usage on schema public to onelogin_reader;
revoke all on all tables in schema public from onelogin_reader;
grant select on refinery_schema_history, data_dictionary, rereads to onelogin_reader;
grant select (account, source, rescanned_at) on watermarks to onelogin_reader;

do $$
declare
    seen record;
begin
    for seen in
        select c.table_name as name, string_agg(quote_ident(c.column_name), ', ' order by c.ordinal_position) as columns
        from information_schema.columns c
        join information_schema.views v on v.table_schema = c.table_schema and v.table_name = c.table_name
        where c.table_schema = 'public'
          and exists (
              select from data_dictionary d
              where d.table_name = c.table_name and d.column_name = c.column_name and not d.is_personal
          )
        group by c.table_name
    loop
        execute format('grant select (%s) on %I to onelogin_reader', seen.columns, seen.name);
    end loop;
end
$$;

alter role onelogin_reader set default_transaction_read_only = on;
alter role onelogin_reader set statement_timeout = '60s';
alter role onelogin_reader set idle_in_transaction_session_timeout = '60s';
-- The plans of some views cost more to compile than to run.
alter role onelogin_reader set jit = off;
