-- The rows that analysts query. Times are UTC instants; `account` names the OneLogin account a row
-- came from, so that one database can hold several.

create table users (
    -- People named by a failure: one row a person, as the newest failure described them.
    account text not null, -- The OneLogin account, as given to --account
    user_id integer not null, -- OneLogin's id of the person
    email text, -- E-mail address; null when OneLogin gave none
    username text, -- Login name; null when OneLogin gave none
    firstname text, -- First name; null when OneLogin gave none
    lastname text, -- Last name; null when OneLogin gave none
    last_failure_id text not null, -- The failure these attributes come from: the greatest failure_id of this person
    last_failure_at text not null, -- When that failure happened
    first_seen_at text not null, -- When this person was first written
    synced_at text not null, -- When this row was last written
    run_id text not null, -- The run that last wrote this row (sync_runs)
    primary key (account, user_id)
) strict;

-- The foreign key is checked at the commit: the people of a window are written last, once each.
create table provisioning_failures (
    -- Attempts to give, change or take away access that failed: one row a failure.
    failure_id text not null primary key, -- Made from what identifies the failure; equal on every machine, and in the order of time
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API it came from: legacy
    source_id integer not null, -- The payload's id; for legacy perhaps the app's and so not unique
    login_id text, -- The link between the person and the app (legacy)
    user_id integer, -- The person (users); null when OneLogin named none
    operation text not null, -- create, update, suspend, reactivate, delete or unknown; for legacy read from the description
    app_id integer, -- The app's id; null where the source does not say
    app_name text, -- The app's name; for legacy read from the description, null where it names none
    event_type_id integer, -- OneLogin's event type; null for legacy
    created_at text not null, -- When the failure happened
    created_at_raw text not null, -- The same as OneLogin wrote it
    description text, -- What did not happen, in OneLogin's words
    error_description text, -- Why, in the app's or OneLogin's words
    raw text not null, -- The record as it came, byte for byte
    content_hash integer not null, -- Of raw; tells a changed record from a repeated one
    first_seen_at text not null, -- When this failure was first written
    synced_at text not null, -- When this row was last written
    run_id text not null, -- The run that last wrote this row (sync_runs)
    foreign key (account, user_id) references users (account, user_id)
        deferrable initially deferred
) strict;

create index provisioning_failures_by_time on provisioning_failures (created_at);
create index provisioning_failures_by_user on provisioning_failures (account, user_id);

create table rejected_records (
    -- Records that could not be read, or that another one displaced: kept, never dropped.
    reject_id text not null primary key, -- Made from account, source and raw: one row however often it is read
    run_id text not null, -- The run that last met it (sync_runs)
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API it came from: legacy
    reason text not null, -- not_json, not_an_object, bad_id, bad_created_at, bad_field or key_collision
    detail text not null, -- What was expected and what came
    raw text not null, -- The record as it came; bytes that are not text are replaced by U+FFFD
    first_seen_at text not null, -- When it was first met
    last_seen_at text not null, -- When it was last met
    replayed_at text -- When the same record was loaded after all; null while it is open
) strict;

create index rejected_records_open on rejected_records (account, source) where replayed_at is null;
