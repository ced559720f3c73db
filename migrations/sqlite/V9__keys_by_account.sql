-- The tables in the form that many accounts in one database, and the tools that read an SQLite file, ask for:
--   * Every key, foreign key and index begins with the account.
--   * Failures refer to no user by a foreign key, because a window writes its users last.
--   * A time is `YYYY-MM-DD HH:MM:SS.fff+00:00` in a column declared datetime; flags, records and ids are
--     declared boolean, json and uuid. Tables are therefore not strict: columns that statements compare are
--     checked instead.
--   * Failures and watermarks have the columns that later versions fill, so that they are rebuilt only once.
--
-- Each table is renamed, created, filled from the old one, and the old one dropped; the views come last.

drop view open_failures;
drop view failures;
drop view sync_health;
drop view failures_daily;
drop view failure_details;

alter table users rename to old_users;
alter table provisioning_failures rename to old_provisioning_failures;
alter table provisioning_successes rename to old_provisioning_successes;
alter table rejected_records rename to old_rejected_records;
alter table watermarks rename to old_watermarks;
alter table sync_runs rename to old_sync_runs;
alter table sync_windows rename to old_sync_windows;
alter table event_types rename to old_event_types;
alter table api_calls rename to old_api_calls;

create table users (
    -- Users that a failure names, with their latest known details.
    account text not null, -- The OneLogin account, as given to --account
    user_id integer not null, -- OneLogin's id of the user
    email text, -- E-mail address; null if OneLogin gave none
    username text, -- Login name; null if OneLogin gave none
    firstname text, -- First name; null if OneLogin gave none
    lastname text, -- Last name; null if OneLogin gave none
    last_failure_id uuid not null, -- The newest failure of this user: the greatest failure_id
    last_failure_at datetime not null, -- When the newest failure happened
    first_seen_at datetime not null, -- When this user was first written
    synced_at datetime not null, -- When this row was last written
    run_id uuid not null, -- The run that last wrote this row (sync_runs)
    display_name text, -- Name in the newest failure: first and last name, or the e-mail address
    profile_id uuid, -- Version of the profile (e-mail address and names): the failure it comes from, or a key made from the time of the request
    profile_at datetime check (profile_at like '____-__-__ __:__:__.___+00:00'), -- Time of that version of the profile; null if no profile is known yet
    profile_source text, -- Where the profile comes from: legacy, or users for the users API
    asked_at datetime check (asked_at like '____-__-__ __:__:__.___+00:00'), -- When the profile was last requested from the users API; null before the first request
    primary key (account, user_id)
);

insert into users (
    account, user_id, email, username, firstname, lastname, last_failure_id, last_failure_at, first_seen_at,
    synced_at, run_id, display_name, profile_id, profile_at, profile_source, asked_at
)
select
    account, user_id, email, username, firstname, lastname, last_failure_id,
    strftime('%Y-%m-%d %H:%M:%f+00:00', last_failure_at), strftime('%Y-%m-%d %H:%M:%f+00:00', first_seen_at),
    strftime('%Y-%m-%d %H:%M:%f+00:00', synced_at), run_id, display_name, profile_id,
    strftime('%Y-%m-%d %H:%M:%f+00:00', profile_at), profile_source,
    strftime('%Y-%m-%d %H:%M:%f+00:00', asked_at)
from old_users;

create table provisioning_failures (
    -- Failed attempts to grant, change or remove access, as each source reported them.
    failure_id uuid not null, -- Made from what identifies the failure: equal on every machine, sorts by time
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API it came from: legacy, events, or webhook for a saved delivery
    source_id integer, -- The payload's id; for legacy perhaps the app's and so not unique; null for webhook
    login_id text, -- The link between the user and the app; null for events
    user_id integer, -- The user (users); null if OneLogin named none
    operation text not null, -- create, update, suspend, reactivate, delete or unknown
    app_id integer, -- The app's id; null if the source gives none
    app_name text, -- The app's name; for legacy read from the description, null if that names none
    event_type_id integer, -- OneLogin's event type; null for legacy
    created_at datetime not null check (created_at like '____-__-__ __:__:__.___+00:00'), -- When the failure happened
    created_at_raw text not null, -- The same time as OneLogin wrote it
    description text, -- OneLogin's sentence about the failure; for events built from type, user and app
    error_description text, -- Reason for the failure, as the app or OneLogin gives it
    raw json, -- The record as received, byte for byte; null with --raw none
    content_hash integer not null, -- Hash of raw; distinguishes a changed record from a repeated one
    first_seen_at datetime not null, -- When this failure was first written
    synced_at datetime not null, -- When this row was last written
    run_id uuid not null, -- The run that last wrote this row (sync_runs)
    operation_source text not null, -- Where the operation was read from: event_type, or description for legacy
    solved boolean check (solved in (0, 1)), -- Whether OneLogin regards it as solved (events); null if it gives no answer
    resolved_at datetime, -- When OneLogin resolved it (events)
    resolution text, -- How OneLogin resolved it (events)
    outcome text not null default 'failed' check (outcome in ('failed', 'skipped')), -- failed, or skipped if OneLogin was set to do nothing
    error_fingerprint text, -- The error without names, addresses, ids and numbers (error_texts); null until it is computed
    twin_of uuid, -- The same failure from a better source; null if there is none
    is_late boolean check (is_late in (0, 1)), -- Whether it was first read by re-reading a span that a window had covered; null if that was not recorded
    primary key (account, failure_id)
);

insert into provisioning_failures (
    failure_id, account, source, source_id, login_id, user_id, operation, app_id, app_name, event_type_id,
    created_at, created_at_raw, description, error_description, raw, content_hash, first_seen_at, synced_at,
    run_id, operation_source, solved, resolved_at, resolution
)
select
    failure_id, account, source, source_id, login_id, user_id, operation, app_id, app_name, event_type_id,
    strftime('%Y-%m-%d %H:%M:%f+00:00', created_at), created_at_raw, description, error_description, raw,
    content_hash, strftime('%Y-%m-%d %H:%M:%f+00:00', first_seen_at),
    strftime('%Y-%m-%d %H:%M:%f+00:00', synced_at), run_id, operation_source, solved,
    strftime('%Y-%m-%d %H:%M:%f+00:00', resolved_at), resolution
from old_provisioning_failures;
drop table old_provisioning_failures;
drop table old_users;

create table provisioning_successes (
    -- Successful provisioning, which closes earlier failures.
    success_id uuid not null, -- Made from what identifies the event: equal on every machine, sorts by time
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API it came from: events, or webhook for a saved delivery
    source_id integer, -- The event's id; null for webhook
    user_id integer, -- OneLogin's id of the user, who is in users only if an operation on them failed
    user_name text, -- The user's name in the event
    operation text not null, -- create, update, suspend, reactivate or delete; a linked account counts as created
    app_id integer, -- The app's id
    app_name text, -- The app's name
    event_type_id integer not null, -- OneLogin's event type: 51 to 55, or 59
    created_at datetime not null check (created_at like '____-__-__ __:__:__.___+00:00'), -- When it happened
    created_at_raw text not null, -- The same time as OneLogin wrote it
    raw json, -- The record as received, byte for byte; null with --raw none
    content_hash integer not null, -- Hash of raw; distinguishes a changed record from a repeated one
    first_seen_at datetime not null, -- When this row was first written
    synced_at datetime not null, -- When this row was last written
    run_id uuid not null, -- The run that last wrote this row (sync_runs)
    primary key (account, success_id)
);

insert into provisioning_successes (
    success_id, account, source, source_id, user_id, user_name, operation, app_id, app_name, event_type_id,
    created_at, created_at_raw, raw, content_hash, first_seen_at, synced_at, run_id
)
select
    success_id, account, source, source_id, user_id, user_name, operation, app_id, app_name, event_type_id,
    strftime('%Y-%m-%d %H:%M:%f+00:00', created_at), created_at_raw, raw, content_hash,
    strftime('%Y-%m-%d %H:%M:%f+00:00', first_seen_at), strftime('%Y-%m-%d %H:%M:%f+00:00', synced_at), run_id
from old_provisioning_successes;
drop table old_provisioning_successes;

create table rejected_records (
    -- Records that could not be read, or that a later one displaced: kept, never dropped.
    reject_id uuid not null, -- Made from account, source and raw: one row per record, however often it is read
    run_id uuid not null, -- The run that last read it (sync_runs)
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API it came from: legacy, events, or webhook for a saved delivery
    reason text not null, -- not_json, not_an_object, bad_id, bad_created_at, bad_event_type, bad_field or key_collision
    detail text not null, -- What was expected and what was found
    raw text not null, -- The record as received; bytes that are not text are replaced by U+FFFD
    first_seen_at datetime not null, -- When it was first read
    last_seen_at datetime not null, -- When it was last read
    replayed_at datetime, -- When the same record was loaded after all; null while it is open
    primary key (account, reject_id)
);

insert into rejected_records (
    reject_id, run_id, account, source, reason, detail, raw, first_seen_at, last_seen_at, replayed_at
)
select
    reject_id, run_id, account, source, reason, detail, raw,
    strftime('%Y-%m-%d %H:%M:%f+00:00', first_seen_at), strftime('%Y-%m-%d %H:%M:%f+00:00', last_seen_at),
    strftime('%Y-%m-%d %H:%M:%f+00:00', replayed_at)
from old_rejected_records;
drop table old_rejected_records;

create table watermarks (
    -- Per account and source: how far the sync has got, and which run holds the lease.
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events; webhook for saved deliveries
    high_water_mark datetime check (high_water_mark like '____-__-__ __:__:__.___+00:00'), -- The greatest created_at committed; null before the first record
    scanned_through datetime check (scanned_through like '____-__-__ __:__:__.___+00:00'), -- The end of the last window committed; null before the first
    lease_owner text, -- Host and process of the run that holds the lease; null if no run does
    lease_token integer not null, -- Fencing token: increases with every lease; a commit with an older one is refused
    lease_expires_at datetime check (lease_expires_at like '____-__-__ __:__:__.___+00:00'), -- When the lease expires unless renewed; null if no run holds it
    updated_at datetime not null, -- When this row was last written
    rescanned_at datetime, -- Time up to which the span of --rescan was last re-read; null before the first time
    rescan_next datetime, -- Where an unfinished rescan continues; null if the last one finished
    read_from text, -- Host and port that the records come from, without the default port; null before the first window, and for saved files
    successes_from datetime, -- Start of the span in which every success was read; null if none was
    successes_through datetime, -- End of the span in which every success was read; null if none was
    needs_rebuild boolean not null default false check (needs_rebuild in (0, 1)), -- Whether tables derived from the failures have to be built again
    density real, -- Records per second of the last window; null before the first
    primary key (account, source)
);

insert into watermarks (
    account, source, high_water_mark, scanned_through, lease_owner, lease_token, lease_expires_at, updated_at,
    rescanned_at, rescan_next, read_from
)
select
    account, source, strftime('%Y-%m-%d %H:%M:%f+00:00', high_water_mark),
    strftime('%Y-%m-%d %H:%M:%f+00:00', scanned_through), lease_owner, lease_token,
    strftime('%Y-%m-%d %H:%M:%f+00:00', lease_expires_at), strftime('%Y-%m-%d %H:%M:%f+00:00', updated_at),
    strftime('%Y-%m-%d %H:%M:%f+00:00', rescanned_at), strftime('%Y-%m-%d %H:%M:%f+00:00', rescan_next), read_from
from old_watermarks;
drop table old_watermarks;

create table sync_runs (
    -- Runs of sync, recorded from their start.
    run_id uuid not null, -- UUIDv7: sorts by time
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events; webhook for saved deliveries
    status text not null check (status in ('running', 'succeeded', 'failed', 'interrupted')), -- running, succeeded, failed or interrupted
    started_at datetime not null check (started_at like '____-__-__ __:__:__.___+00:00'), -- When the run took its lease
    finished_at datetime, -- When the run ended; null while it is running
    exit_code integer, -- The process's exit code; null while it is running, or if it did not report an end
    error text, -- Why the run failed; null if it did not
    fetched integer not null, -- Records in the committed windows = inserted + updated + unchanged + rejected
    inserted integer not null, -- New failures
    updated integer not null, -- Failures whose content changed
    unchanged integer not null, -- Failures stored already with the same content; not written
    rejected integer not null, -- Records written to rejected_records, known ones included
    users_written integer not null, -- Rows of users written
    requests integer not null, -- HTTP requests sent
    retries integer not null, -- HTTP requests that repeated an earlier one
    bytes integer not null, -- Bytes of response bodies, decompressed
    version text not null, -- Version of onelogin-sync
    successes integer not null, -- Successes in the committed windows, known ones included; not part of fetched
    ignored integer not null, -- Events of types that were not selected; not part of fetched
    people_pending integer not null, -- Users whose profile is still to be requested from the users API
    primary key (account, run_id)
);

insert into sync_runs (
    run_id, account, source, status, started_at, finished_at, exit_code, error, fetched, inserted, updated,
    unchanged, rejected, users_written, requests, retries, bytes, version, successes, ignored, people_pending
)
select
    run_id, account, source, status, strftime('%Y-%m-%d %H:%M:%f+00:00', started_at),
    strftime('%Y-%m-%d %H:%M:%f+00:00', finished_at), exit_code, error, fetched, inserted, updated, unchanged,
    rejected, users_written, requests, retries, bytes, version, successes, ignored, people_pending
from old_sync_runs;

create table sync_windows (
    -- The ledger: each window, written in the transaction of its rows.
    window_id uuid not null, -- UUIDv7: sorts by time
    run_id uuid not null, -- The run (sync_runs)
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events; webhook for saved deliveries
    window_from datetime not null check (window_from like '____-__-__ __:__:__.___+00:00'), -- Start of the requested interval
    window_to datetime not null check (window_to like '____-__-__ __:__:__.___+00:00'), -- End of the requested interval, never past the server's now
    fetched integer not null, -- Records in the response = inserted + updated + unchanged + rejected
    inserted integer not null, -- New failures
    updated integer not null, -- Failures whose content changed
    unchanged integer not null, -- Failures stored already with the same content; not written
    rejected integer not null, -- Records written to rejected_records, known ones included
    committed_at datetime not null check (committed_at like '____-__-__ __:__:__.___+00:00'), -- When the window was committed
    successes integer not null, -- Successes in the response, known ones included; not part of fetched
    ignored integer not null, -- Events of types that were not selected; not part of fetched
    primary key (account, window_id),
    foreign key (account, run_id) references sync_runs (account, run_id)
);

insert into sync_windows (
    window_id, run_id, account, source, window_from, window_to, fetched, inserted, updated, unchanged,
    rejected, committed_at, successes, ignored
)
select
    window_id, run_id, account, source, strftime('%Y-%m-%d %H:%M:%f+00:00', window_from),
    strftime('%Y-%m-%d %H:%M:%f+00:00', window_to), fetched, inserted, updated, unchanged, rejected,
    strftime('%Y-%m-%d %H:%M:%f+00:00', committed_at), successes, ignored
from old_sync_windows;
drop table old_sync_windows;
drop table old_sync_runs;

create table event_types (
    -- The names that OneLogin gives its event types, compared at most once a day.
    account text not null, -- The OneLogin account, as given to --account
    event_type_id integer not null, -- As in provisioning_failures and provisioning_successes
    name text, -- The type's name
    description text, -- Its sentence, with placeholders such as %user%
    first_seen_at datetime not null, -- When OneLogin first named this type
    checked_at datetime not null, -- When OneLogin last named this type
    primary key (account, event_type_id)
);

insert into event_types (
    account, event_type_id, name, description, first_seen_at, checked_at
)
select
    account, event_type_id, name, description, strftime('%Y-%m-%d %H:%M:%f+00:00', first_seen_at),
    strftime('%Y-%m-%d %H:%M:%f+00:00', checked_at)
from old_event_types;
drop table old_event_types;

create table api_calls (
    -- API calls of the last hour per minute, with those reserved by a run in progress.
    account text not null, -- The OneLogin account, as given to --account
    minute datetime not null check (minute like '____-__-__ __:__:__.___+00:00'), -- The minute in which they were counted
    calls integer not null, -- Number of calls
    primary key (account, minute)
);

insert into api_calls (
    account, minute, calls
)
select
    account, strftime('%Y-%m-%d %H:%M:%f+00:00', minute), calls
from old_api_calls;
drop table old_api_calls;

create index provisioning_failures_by_time on provisioning_failures (account, created_at);
create index provisioning_successes_by_user on provisioning_successes (account, user_id);
create index rejected_records_open on rejected_records (account, source) where replayed_at is null;
create index sync_runs_by_start on sync_runs (account, source, started_at);
create index sync_windows_by_run on sync_windows (account, run_id);

create view failure_details as
-- Failures of every source, with their users: where BI tools start.
select f.failure_id, f.account, f.source, f.created_at,
       f.user_id, u.email, u.username, u.firstname, u.lastname,
       f.operation, f.app_id, f.app_name, f.event_type_id, f.description, f.error_description,
       f.login_id, f.source_id, f.first_seen_at, f.synced_at,
       u.display_name, f.operation_source, f.solved, f.resolved_at, f.resolution
from provisioning_failures f
left join users u on u.account = f.account and u.user_id = f.user_id;

-- A failure of a lesser source is left out when a better one has its equal. Equals are counted: of two
-- that look the same and one equal, one is left out. `b` are the equals of a better source, `s` those of
-- the same source up to this failure.
create view failures as
-- Each failure once, with its user, whichever sources have it: events before legacy before webhook.
select d.*
from failure_details d
where not exists (
    select 1
    from provisioning_failures b
    join provisioning_failures s on s.account = b.account
    where b.account = d.account
      and b.source < d.source
      and b.user_id is d.user_id
      and b.operation = d.operation
      and (b.app_name = d.app_name or b.app_name is null or d.app_name is null)
      and b.created_at between strftime('%Y-%m-%d %H:%M:%f+00:00', d.created_at, '-1 second')
                           and strftime('%Y-%m-%d %H:%M:%f+00:00', d.created_at, '+1 second')
      and s.source = d.source
      and s.user_id is d.user_id
      and s.operation = d.operation
      and s.app_name is d.app_name
      and s.created_at between strftime('%Y-%m-%d %H:%M:%f+00:00', d.created_at, '-1 second')
                           and strftime('%Y-%m-%d %H:%M:%f+00:00', d.created_at, '+1 second')
      and s.failure_id <= d.failure_id
    group by b.source
    having count(distinct b.failure_id) >= count(distinct s.failure_id)
);

create view open_failures as
-- Failures that no later success of the same user, app and operation has closed.
select f.*
from failures f
where f.solved is not true
  and not exists (
    select 1 from provisioning_successes s
    where s.account = f.account
      and s.user_id = f.user_id
      and s.created_at > f.created_at
      and (s.app_id = f.app_id
           or ((s.app_id is null or f.app_id is null) and s.app_name = f.app_name))
      and (s.operation = f.operation
           or f.operation = 'unknown'
           or (f.operation = 'suspend' and s.operation = 'delete'))
);

create view failures_daily as
-- Failures and the users they affect, per UTC day.
select account, source, substr(created_at, 1, 10) as day,
       count(*) as failures, count(distinct user_id) as people
from provisioning_failures
group by 1, 2, 3;

-- A watermark is ahead if it passes the clock by more than a minute, the difference between two clocks
-- that a sync accepts.
create view sync_health as
-- Per account and source: host, age of the watermark, the last run, open rejects.
select w.account, w.source, w.high_water_mark, w.scanned_through,
       cast(strftime('%s', 'now') as integer) - strftime('%s', w.high_water_mark) as mark_age_seconds,
       cast(strftime('%s', 'now') as integer) - strftime('%s', w.scanned_through) as scan_age_seconds,
       r.run_id as last_run_id, r.status as last_run_status,
       r.started_at as last_run_started_at, r.finished_at as last_run_finished_at,
       r.exit_code as last_run_exit_code, r.error as last_run_error,
       coalesce(j.rejects, 0) as open_rejects,
       w.read_from,
       coalesce(max(strftime('%s', w.scanned_through) + 0, coalesce(strftime('%s', w.high_water_mark) + 0, 0))
                > strftime('%s', 'now') + 60, 0) as is_watermark_ahead
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
