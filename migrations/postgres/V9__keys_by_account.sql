-- The tables in the form that many accounts in one database ask for:
--   * Every key, foreign key and index begins with the account.
--   * Failures refer to no user by a foreign key, because a window writes its users last.
--   * Failures and watermarks have the columns that later versions fill. No table is rewritten: these columns
--     are null or have a constant default. Keys and indexes are built again.

alter table provisioning_failures drop constraint provisioning_failures_account_user_id_fkey;
alter table sync_windows drop constraint sync_windows_run_id_fkey;

alter table provisioning_failures
    drop constraint provisioning_failures_pkey,
    add primary key (account, failure_id),
    add column outcome text not null default 'failed' check (outcome in ('failed', 'skipped')),
    add column error_fingerprint text,
    add column twin_of uuid,
    add column is_late boolean;
drop index provisioning_failures_by_time;
create index provisioning_failures_by_time on provisioning_failures (account, created_at);

alter table provisioning_successes
    drop constraint provisioning_successes_pkey,
    add primary key (account, success_id);

alter table rejected_records
    drop constraint rejected_records_pkey,
    add primary key (account, reject_id);

alter table watermarks
    add column successes_from timestamptz,
    add column successes_through timestamptz,
    add column needs_rebuild boolean not null default false,
    add column density double precision;

alter table sync_runs
    drop constraint sync_runs_pkey,
    add primary key (account, run_id);

alter table sync_windows
    drop constraint sync_windows_pkey,
    add primary key (account, window_id),
    add foreign key (account, run_id) references sync_runs (account, run_id);
drop index sync_windows_by_run;
create index sync_windows_by_run on sync_windows (account, run_id);

comment on column provisioning_failures.outcome is 'failed, or skipped if OneLogin was set to do nothing';
comment on column provisioning_failures.error_fingerprint is 'The error without names, addresses, ids and numbers (error_texts); null until it is computed';
comment on column provisioning_failures.twin_of is 'The same failure from a better source; null if there is none';
comment on column provisioning_failures.is_late is 'Whether it was first read by re-reading a span that a window had covered; null if that was not recorded';
comment on column watermarks.successes_from is 'Start of the span in which every success was read; null if none was';
comment on column watermarks.successes_through is 'End of the span in which every success was read; null if none was';
comment on column watermarks.needs_rebuild is 'Whether tables derived from the failures have to be built again';
comment on column watermarks.density is 'Records per second of the last window; null before the first';

-- A failure of a lesser source is left out when a better one has its equal. Equals are counted: of two
-- that look the same and one equal, one is left out. `b` are the equals of a better source, `s` those of
-- the same source up to this failure.
create or replace view failures as
select d.*
from failure_details d
where not exists (
    select 1
    from provisioning_failures b
    join provisioning_failures s on s.account = b.account
    where b.account = d.account
      and b.source < d.source
      and b.user_id is not distinct from d.user_id
      and b.operation = d.operation
      and (b.app_name = d.app_name or b.app_name is null or d.app_name is null)
      and b.created_at between d.created_at - interval '1 second' and d.created_at + interval '1 second'
      and s.source = d.source
      and s.user_id is not distinct from d.user_id
      and s.operation = d.operation
      and s.app_name is not distinct from d.app_name
      and s.created_at between d.created_at - interval '1 second' and d.created_at + interval '1 second'
      and s.failure_id <= d.failure_id
    group by b.source
    having count(distinct b.failure_id) >= count(distinct s.failure_id)
);

-- A watermark is ahead if it passes the clock by more than a minute, the difference between two clocks
-- that a sync accepts.
create or replace view sync_health as
select w.account, w.source, w.high_water_mark, w.scanned_through,
       extract(epoch from now() - w.high_water_mark)::bigint as mark_age_seconds,
       extract(epoch from now() - w.scanned_through)::bigint as scan_age_seconds,
       r.run_id as last_run_id, r.status as last_run_status,
       r.started_at as last_run_started_at, r.finished_at as last_run_finished_at,
       r.exit_code as last_run_exit_code, r.error as last_run_error,
       coalesce(j.rejects, 0) as open_rejects,
       w.read_from,
       coalesce(greatest(w.high_water_mark, w.scanned_through) > now() + interval '1 minute', false)
           as is_watermark_ahead
from watermarks w
left join sync_runs r on r.account = w.account and r.source = w.source
left join (
    select account, source, count(*) as rejects
    from rejected_records
    where replayed_at is null
    group by account, source
) j on j.account = w.account and j.source = w.source
where not exists (
    select 1 from sync_runs n
    where n.account = r.account and n.source = r.source
      and (n.started_at, n.run_id) > (r.started_at, r.run_id)
);

-- A column of a view is described as in the first of its tables that has it, or below.
do $$
declare
    same record;
begin
    for same in
        select distinct on (v.name, c.attname)
               v.name, c.attname as column_name, col_description(t.attrelid, t.attnum) as description
        from (values ('failure_details', 'provisioning_failures', 1), ('failure_details', 'users', 2),
                     ('failures', 'provisioning_failures', 1), ('failures', 'users', 2),
                     ('open_failures', 'provisioning_failures', 1), ('open_failures', 'users', 2),
                     ('failures_daily', 'provisioning_failures', 1),
                     ('sync_health', 'watermarks', 1)) v (name, table_name, place)
        join pg_attribute c on c.attrelid = v.name::regclass and c.attnum > 0
        join pg_attribute t on t.attrelid = v.table_name::regclass and t.attname = c.attname
        order by v.name, c.attname, v.place
    loop
        execute format('comment on column %I.%I is %L', same.name, same.column_name, same.description);
    end loop;
end
$$;

comment on column failures_daily.day is 'The UTC day';
comment on column failures_daily.failures is 'Failures of that day, twins of several sources included';
comment on column failures_daily.people is 'Users whom these failures name';
comment on column sync_health.mark_age_seconds is 'Seconds since the watermark, by the database''s clock';
comment on column sync_health.scan_age_seconds is 'Seconds since the end of the last window, by the database''s clock';
comment on column sync_health.last_run_id is 'The run that started last (sync_runs)';
comment on column sync_health.last_run_status is 'Its status: running, succeeded, failed or interrupted';
comment on column sync_health.last_run_started_at is 'When it started';
comment on column sync_health.last_run_finished_at is 'When it ended; null while it is running';
comment on column sync_health.last_run_exit_code is 'Its exit code; null while it is running, or if it did not report an end';
comment on column sync_health.last_run_error is 'Why it failed; null if it did not';
comment on column sync_health.open_rejects is 'Rejected records that were not loaded since';
comment on column sync_health.is_watermark_ahead is 'Whether the watermark is more than a minute ahead of the database''s clock';
