-- Run after docs/roles.sql by the same owner: a password for the readers' role, and a database for Superset's own tables.
--
--     psql -v ON_ERROR_STOP=1 -v password=… -f docs/roles.sql -f bi/superset/prepare.sql "$DATABASE_URL"

alter role onelogin_reader password :'password';
select 'create database superset' where not exists (select from pg_database where datname = 'superset') \gexec
