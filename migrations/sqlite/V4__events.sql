-- The current API beside the legacy one: what its events say more, successes that close failures, people
-- whom the users API describes, and the names of event types.
--
-- Tables are made anew and filled from the old ones: SQLite keeps what is said of a column inside the
-- statement that made its table, and can neither change that nor let a column be null.

drop view failure_details;
drop view failures_daily;
drop view sync_health;

create table users_4 (
    -- People named by a failure: one row a person, as the newest word describes them.
    account text not null, -- The OneLogin account, as given to --account
    user_id integer not null, -- OneLogin's id of the person
    email text, -- E-mail address; null when OneLogin gave none
    username text, -- Login name; null when OneLogin gave none
    firstname text, -- First name; null when OneLogin gave none
    lastname text, -- Last name; null when OneLogin gave none
    last_failure_id text not null, -- The newest failure of this person: the greatest failure_id
    last_failure_at text not null, -- When that failure happened
    first_seen_at text not null, -- When this person was first written
    synced_at text not null, -- When this row was last written
    run_id text not null, -- The run that last wrote this row (sync_runs)
    display_name text, -- Name as the newest failure gives it: first and last name, or the e-mail address
    profile_id text, -- Orders the words on e-mail address and names: the failure, or a key of the time of asking
    profile_at text, -- When e-mail address and names were said; null when nobody has said them yet
    profile_source text, -- Who said them: legacy, or users for the users API
    asked_at text, -- When the users API was last asked about this person; null when never
    primary key (account, user_id)
) strict;

-- Until now every word on a person came from a legacy failure.
insert into users_4
select account, user_id, email, username, firstname, lastname, last_failure_id, last_failure_at,
       first_seen_at, synced_at, run_id,
       coalesce(nullif(trim(coalesce(firstname, '') || ' ' || coalesce(lastname, '')), ''), email),
       last_failure_id, last_failure_at, 'legacy', null
from users;

create table provisioning_failures_4 (
    -- Attempts to give, change or take away access that failed: one row a failure.
    failure_id text not null primary key, -- Made from what identifies the failure; equal on every machine, and in the order of time
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API it came from: legacy, events, or webhook for a saved delivery
    source_id integer, -- The payload's id; for legacy perhaps the app's and so not unique; null for webhook
    login_id text, -- The link between the person and the app; null for events
    user_id integer, -- The person (users); null when OneLogin named none
    operation text not null, -- create, update, suspend, reactivate, delete or unknown
    app_id integer, -- The app's id; null where the source does not say
    app_name text, -- The app's name; for legacy read from the description, null where it names none
    event_type_id integer, -- OneLogin's event type; null for legacy
    created_at text not null, -- When the failure happened
    created_at_raw text not null, -- The same as OneLogin wrote it
    description text, -- What did not happen, in OneLogin's words; for events put together from type, person and app
    error_description text, -- Why, in the app's or OneLogin's words
    raw text not null, -- The record as it came, byte for byte
    content_hash integer not null, -- Of raw; tells a changed record from a repeated one
    first_seen_at text not null, -- When this failure was first written
    synced_at text not null, -- When this row was last written
    run_id text not null, -- The run that last wrote this row (sync_runs)
    operation_source text not null, -- Where the operation is read: event_type, or description for legacy
    solved integer, -- Whether OneLogin calls it solved (events); null when it does not say
    resolved_at text, -- When OneLogin resolved it (events)
    resolution text, -- How OneLogin resolved it (events)
    foreign key (account, user_id) references users_4 (account, user_id)
        deferrable initially deferred
) strict;

insert into provisioning_failures_4 select *, 'description', null, null, null from provisioning_failures;

drop table provisioning_failures;
drop table users;
alter table users_4 rename to users;
alter table provisioning_failures_4 rename to provisioning_failures;

create index provisioning_failures_by_time on provisioning_failures (created_at);
create index provisioning_failures_by_user on provisioning_failures (account, user_id);

create table provisioning_successes (
    -- Provisioning that went well, so that failures can close: one row an event.
    success_id text not null primary key, -- Made from what identifies the event; equal on every machine, and in the order of time
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API it came from: events, or webhook for a saved delivery
    source_id integer, -- The event's id; null for webhook
    user_id integer, -- OneLogin's id of the person, who is in users only if something of theirs failed
    user_name text, -- The person's name as the event gives it
    operation text not null, -- create, update, suspend, reactivate or delete; a linked account counts as created
    app_id integer, -- The app's id
    app_name text, -- The app's name
    event_type_id integer not null, -- OneLogin's event type: 51 to 55, or 59
    created_at text not null, -- When it happened
    created_at_raw text not null, -- The same as OneLogin wrote it
    raw text not null, -- The record as it came, byte for byte
    content_hash integer not null, -- Of raw; tells a changed record from a repeated one
    first_seen_at text not null, -- When this row was first written
    synced_at text not null, -- When this row was last written
    run_id text not null -- The run that last wrote this row (sync_runs)
) strict;

create index provisioning_successes_by_user on provisioning_successes (account, user_id);

create table event_types (
    -- What OneLogin calls its event types, compared at most once a day.
    account text not null, -- The OneLogin account, as given to --account
    event_type_id integer not null, -- As in provisioning_failures and provisioning_successes
    name text, -- The type's name
    description text, -- Its sentence, with %user% and the like for names
    first_seen_at text not null, -- When OneLogin first named this type
    checked_at text not null, -- When OneLogin last named this type
    primary key (account, event_type_id)
) strict;

create table api_calls (
    -- Calls to the current API in the last hour, and those a run at work may still make.
    account text not null, -- The OneLogin account, as given to --account
    minute text not null, -- When they were counted
    calls integer not null, -- How many
    primary key (account, minute)
) strict;

create table watermarks_4 (
    -- Where the sync stands: one row an account and source.
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events; webhook for saved deliveries
    high_water_mark text, -- The greatest created_at committed; null before the first record
    scanned_through text, -- The end of the last window committed; null before the first
    lease_owner text, -- Host and process of the run at work; null when none is
    lease_token integer not null, -- Grows with each lease; a commit with an older one is refused
    lease_expires_at text, -- When the lease ends unless renewed; null when none is held
    updated_at text not null, -- When this row was last written
    rescanned_at text, -- As of when the span of --rescan was last read again; null when never
    rescan_next text, -- Where that goes on; null when it was done whole
    primary key (account, source)
) strict;

insert into watermarks_4 select *, null, null from watermarks;
drop table watermarks;
alter table watermarks_4 rename to watermarks;

create table sync_runs_4 (
    -- Runs of sync: one row each, from its start on.
    run_id text not null primary key, -- In the order of time
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events; webhook for saved deliveries
    status text not null check (status in ('running', 'succeeded', 'failed', 'interrupted')), -- running, succeeded, failed or interrupted
    started_at text not null, -- When it took its lease
    finished_at text, -- When it ended; null while it runs
    exit_code integer, -- The process's exit code; null while it runs, or if it was killed
    error text, -- What went wrong; null when nothing did
    fetched integer not null, -- Records in the windows committed = inserted + updated + unchanged + rejected
    inserted integer not null, -- Failures that were new
    updated integer not null, -- Failures whose content had changed
    unchanged integer not null, -- Failures that were here already; not written
    rejected integer not null, -- Records put into rejected_records, known ones included
    users_written integer not null, -- Rows of users written
    requests integer not null, -- HTTP requests sent
    retries integer not null, -- Requests that had to be repeated
    bytes integer not null, -- Bytes of body read, decompressed
    version text not null, -- Version of onelogin-sync
    successes integer not null, -- Successes in the windows committed, known ones included; not part of fetched
    ignored integer not null, -- Events of types that were not asked for; not part of fetched
    people_pending integer not null -- People whom the users API is still to be asked about
) strict;

insert into sync_runs_4 select *, 0, 0, 0 from sync_runs;

create table sync_windows_4 (
    -- The ledger: one row a window, written in the transaction of its rows.
    window_id text not null primary key, -- In the order of time
    run_id text not null references sync_runs_4 (run_id), -- The run (sync_runs)
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events; webhook for saved deliveries
    window_from text not null, -- Start of the interval asked for
    window_to text not null, -- Its end, never past the server's now
    fetched integer not null, -- Records in the answer = inserted + updated + unchanged + rejected
    inserted integer not null, -- Failures that were new
    updated integer not null, -- Failures whose content had changed
    unchanged integer not null, -- Failures that were here already; not written
    rejected integer not null, -- Records put into rejected_records, known ones included
    committed_at text not null, -- When the window was committed
    successes integer not null, -- Successes in the answer, known ones included; not part of fetched
    ignored integer not null -- Events of types that were not asked for; not part of fetched
) strict;

insert into sync_windows_4 select *, 0, 0 from sync_windows;
drop table sync_windows;
drop table sync_runs;
alter table sync_runs_4 rename to sync_runs;
alter table sync_windows_4 rename to sync_windows;

create index sync_runs_by_start on sync_runs (account, source, started_at);
create index sync_windows_by_run on sync_windows (run_id);

create table rejected_records_4 (
    -- Records that could not be read, or that another one displaced: kept, never dropped.
    reject_id text not null primary key, -- Made from account, source and raw: one row however often it is read
    run_id text not null, -- The run that last met it (sync_runs)
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API it came from: legacy, events, or webhook for a saved delivery
    reason text not null, -- not_json, not_an_object, bad_id, bad_created_at, bad_event_type, bad_field or key_collision
    detail text not null, -- What was expected and what came
    raw text not null, -- The record as it came; bytes that are not text are replaced by U+FFFD
    first_seen_at text not null, -- When it was first met
    last_seen_at text not null, -- When it was last met
    replayed_at text -- When the same record was loaded after all; null while it is open
) strict;

insert into rejected_records_4 select * from rejected_records;
drop table rejected_records;
alter table rejected_records_4 rename to rejected_records;

create index rejected_records_open on rejected_records (account, source) where replayed_at is null;
