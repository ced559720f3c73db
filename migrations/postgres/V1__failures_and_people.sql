-- The rows that analysts query. Times are UTC instants; `account` names the OneLogin account a row
-- came from, so that one database can hold several.

create table users (
    account         text        not null,
    user_id         bigint      not null,
    email           text,
    username        text,
    firstname       text,
    lastname        text,
    last_failure_id uuid        not null,
    last_failure_at timestamptz not null,
    first_seen_at   timestamptz not null,
    synced_at       timestamptz not null,
    run_id          uuid        not null,
    primary key (account, user_id)
);

comment on table users is 'People named by a failure: one row a person, as the newest failure described them';
comment on column users.account is 'The OneLogin account, as given to --account';
comment on column users.user_id is 'OneLogin''s id of the person';
comment on column users.email is 'E-mail address; null when OneLogin gave none';
comment on column users.username is 'Login name; null when OneLogin gave none';
comment on column users.firstname is 'First name; null when OneLogin gave none';
comment on column users.lastname is 'Last name; null when OneLogin gave none';
comment on column users.last_failure_id is 'The failure these attributes come from: the greatest failure_id of this person';
comment on column users.last_failure_at is 'When that failure happened';
comment on column users.first_seen_at is 'When this person was first written';
comment on column users.synced_at is 'When this row was last written';
comment on column users.run_id is 'The run that last wrote this row (sync_runs)';

-- The foreign key is checked at the commit: the people of a window are written last, once each.
create table provisioning_failures (
    failure_id        uuid        not null primary key,
    account           text        not null,
    source            text        not null,
    source_id         bigint      not null,
    login_id          text,
    user_id           bigint,
    operation         text        not null,
    app_id            bigint,
    app_name          text,
    event_type_id     bigint,
    created_at        timestamptz not null,
    created_at_raw    text        not null,
    description       text,
    error_description text,
    raw               json        not null,
    content_hash      bigint      not null,
    first_seen_at     timestamptz not null,
    synced_at         timestamptz not null,
    run_id            uuid        not null,
    foreign key (account, user_id) references users (account, user_id)
        deferrable initially deferred
);

create index provisioning_failures_by_time on provisioning_failures (created_at);
create index provisioning_failures_by_user on provisioning_failures (account, user_id);

comment on table provisioning_failures is 'Attempts to give, change or take away access that failed: one row a failure';
comment on column provisioning_failures.failure_id is 'Made from what identifies the failure; equal on every machine, and in the order of time';
comment on column provisioning_failures.account is 'The OneLogin account, as given to --account';
comment on column provisioning_failures.source is 'The API it came from: legacy';
comment on column provisioning_failures.source_id is 'The payload''s id; for legacy perhaps the app''s and so not unique';
comment on column provisioning_failures.login_id is 'The link between the person and the app (legacy)';
comment on column provisioning_failures.user_id is 'The person (users); null when OneLogin named none';
comment on column provisioning_failures.operation is 'create, update, suspend, reactivate, delete or unknown; for legacy read from the description';
comment on column provisioning_failures.app_id is 'The app''s id; null where the source does not say';
comment on column provisioning_failures.app_name is 'The app''s name; for legacy read from the description, null where it names none';
comment on column provisioning_failures.event_type_id is 'OneLogin''s event type; null for legacy';
comment on column provisioning_failures.created_at is 'When the failure happened';
comment on column provisioning_failures.created_at_raw is 'The same as OneLogin wrote it';
comment on column provisioning_failures.description is 'What did not happen, in OneLogin''s words';
comment on column provisioning_failures.error_description is 'Why, in the app''s or OneLogin''s words';
comment on column provisioning_failures.raw is 'The record as it came, byte for byte';
comment on column provisioning_failures.content_hash is 'Of raw; tells a changed record from a repeated one';
comment on column provisioning_failures.first_seen_at is 'When this failure was first written';
comment on column provisioning_failures.synced_at is 'When this row was last written';
comment on column provisioning_failures.run_id is 'The run that last wrote this row (sync_runs)';

create table rejected_records (
    reject_id     uuid        not null primary key,
    run_id        uuid        not null,
    account       text        not null,
    source        text        not null,
    reason        text        not null,
    detail        text        not null,
    raw           text        not null,
    first_seen_at timestamptz not null,
    last_seen_at  timestamptz not null,
    replayed_at   timestamptz
);

create index rejected_records_open on rejected_records (account, source) where replayed_at is null;

comment on table rejected_records is 'Records that could not be read, or that another one displaced: kept, never dropped';
comment on column rejected_records.reject_id is 'Made from account, source and raw: one row however often it is read';
comment on column rejected_records.run_id is 'The run that last met it (sync_runs)';
comment on column rejected_records.account is 'The OneLogin account, as given to --account';
comment on column rejected_records.source is 'The API it came from: legacy';
comment on column rejected_records.reason is 'not_json, not_an_object, bad_id, bad_created_at, bad_field or key_collision';
comment on column rejected_records.detail is 'What was expected and what came';
comment on column rejected_records.raw is 'The record as it came; bytes that are not text are replaced by U+FFFD';
comment on column rejected_records.first_seen_at is 'When it was first met';
comment on column rejected_records.last_seen_at is 'When it was last met';
comment on column rejected_records.replayed_at is 'When the same record was loaded after all; null while it is open';
