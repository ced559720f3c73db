-- What made a load slow without answering anything goes, and the raw record can be left out.
--
-- Tables are made anew and filled from the old ones, for SQLite can let neither a column be null nor a
-- foreign key be checked at once. The names that views read from are back before anyone looks.

pragma legacy_alter_table = on;

create table provisioning_failures_6 (
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
    raw text, -- The record as it came, byte for byte; null with --raw none
    content_hash integer not null, -- Of raw; tells a changed record from a repeated one
    first_seen_at text not null, -- When this failure was first written
    synced_at text not null, -- When this row was last written
    run_id text not null, -- The run that last wrote this row (sync_runs)
    operation_source text not null, -- Where the operation is read: event_type, or description for legacy
    solved integer, -- Whether OneLogin calls it solved (events); null when it does not say
    resolved_at text, -- When OneLogin resolved it (events)
    resolution text, -- How OneLogin resolved it (events)
    foreign key (account, user_id) references users (account, user_id)
) strict;

insert into provisioning_failures_6 select * from provisioning_failures;
drop table provisioning_failures;
alter table provisioning_failures_6 rename to provisioning_failures;

create index provisioning_failures_by_time on provisioning_failures (created_at);

create table provisioning_successes_6 (
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
    raw text, -- The record as it came, byte for byte; null with --raw none
    content_hash integer not null, -- Of raw; tells a changed record from a repeated one
    first_seen_at text not null, -- When this row was first written
    synced_at text not null, -- When this row was last written
    run_id text not null -- The run that last wrote this row (sync_runs)
) strict;

insert into provisioning_successes_6 select * from provisioning_successes;
drop table provisioning_successes;
alter table provisioning_successes_6 rename to provisioning_successes;

create index provisioning_successes_by_user on provisioning_successes (account, user_id);

pragma legacy_alter_table = off;
