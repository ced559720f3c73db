-- The current API beside the legacy one: what its events say more, successes that close failures, people
-- whom the users API describes, and the names of event types.

alter table provisioning_failures
    add column operation_source text not null default 'description',
    add column solved boolean,
    add column resolved_at timestamptz,
    add column resolution text,
    -- What was stored until now came from the sentence.
    alter column source_id drop not null;
alter table provisioning_failures alter column operation_source drop default;

comment on column provisioning_failures.operation_source is 'Where the operation is read: event_type, or description for legacy';
comment on column provisioning_failures.solved is 'Whether OneLogin calls it solved (events); null when it does not say';
comment on column provisioning_failures.resolved_at is 'When OneLogin resolved it (events)';
comment on column provisioning_failures.resolution is 'How OneLogin resolved it (events)';
comment on column provisioning_failures.source is 'The API it came from: legacy, events, or webhook for a saved delivery';
comment on column provisioning_failures.source_id is 'The payload''s id; for legacy perhaps the app''s and so not unique; null for webhook';
comment on column provisioning_failures.login_id is 'The link between the person and the app; null for events';
comment on column provisioning_failures.description is 'What did not happen, in OneLogin''s words; for events put together from type, person and app';
comment on column provisioning_failures.operation is 'create, update, suspend, reactivate, delete or unknown';

alter table users
    add column display_name text,
    add column profile_id uuid,
    add column profile_at timestamptz,
    add column profile_source text,
    add column asked_at timestamptz;

-- Until now every word on a person came from a legacy failure.
update users set
    display_name = coalesce(nullif(trim(coalesce(firstname, '') || ' ' || coalesce(lastname, '')), ''), email),
    profile_id = last_failure_id,
    profile_at = last_failure_at,
    profile_source = 'legacy';

comment on table users is 'People named by a failure: one row a person, as the newest word describes them';
comment on column users.last_failure_id is 'The newest failure of this person: the greatest failure_id';
comment on column users.display_name is 'Name as the newest failure gives it: first and last name, or the e-mail address';
comment on column users.profile_id is 'Orders the words on e-mail address and names: the failure, or a key of the time of asking';
comment on column users.profile_at is 'When e-mail address and names were said; null when nobody has said them yet';
comment on column users.profile_source is 'Who said them: legacy, or users for the users API';
comment on column users.asked_at is 'When the users API was last asked about this person; null when never';

create table provisioning_successes (
    success_id     uuid        not null primary key,
    account        text        not null,
    source         text        not null,
    source_id      bigint,
    user_id        bigint,
    user_name      text,
    operation      text        not null,
    app_id         bigint,
    app_name       text,
    event_type_id  bigint      not null,
    created_at     timestamptz not null,
    created_at_raw text        not null,
    raw            json        not null,
    content_hash   bigint      not null,
    first_seen_at  timestamptz not null,
    synced_at      timestamptz not null,
    run_id         uuid        not null
);

create index provisioning_successes_by_user on provisioning_successes (account, user_id);

comment on table provisioning_successes is 'Provisioning that went well, so that failures can close: one row an event';
comment on column provisioning_successes.success_id is 'Made from what identifies the event; equal on every machine, and in the order of time';
comment on column provisioning_successes.account is 'The OneLogin account, as given to --account';
comment on column provisioning_successes.source is 'The API it came from: events, or webhook for a saved delivery';
comment on column provisioning_successes.source_id is 'The event''s id; null for webhook';
comment on column provisioning_successes.user_id is 'OneLogin''s id of the person, who is in users only if something of theirs failed';
comment on column provisioning_successes.user_name is 'The person''s name as the event gives it';
comment on column provisioning_successes.operation is 'create, update, suspend, reactivate or delete; a linked account counts as created';
comment on column provisioning_successes.app_id is 'The app''s id';
comment on column provisioning_successes.app_name is 'The app''s name';
comment on column provisioning_successes.event_type_id is 'OneLogin''s event type: 51 to 55, or 59';
comment on column provisioning_successes.created_at is 'When it happened';
comment on column provisioning_successes.created_at_raw is 'The same as OneLogin wrote it';
comment on column provisioning_successes.raw is 'The record as it came, byte for byte';
comment on column provisioning_successes.content_hash is 'Of raw; tells a changed record from a repeated one';
comment on column provisioning_successes.first_seen_at is 'When this row was first written';
comment on column provisioning_successes.synced_at is 'When this row was last written';
comment on column provisioning_successes.run_id is 'The run that last wrote this row (sync_runs)';

create table event_types (
    account       text        not null,
    event_type_id bigint      not null,
    name          text,
    description   text,
    first_seen_at timestamptz not null,
    checked_at    timestamptz not null,
    primary key (account, event_type_id)
);

comment on table event_types is 'What OneLogin calls its event types, compared at most once a day';
comment on column event_types.account is 'The OneLogin account, as given to --account';
comment on column event_types.event_type_id is 'As in provisioning_failures and provisioning_successes';
comment on column event_types.name is 'The type''s name';
comment on column event_types.description is 'Its sentence, with %user% and the like for names';
comment on column event_types.first_seen_at is 'When OneLogin first named this type';
comment on column event_types.checked_at is 'When OneLogin last named this type';

create table api_calls (
    account text        not null,
    minute  timestamptz not null,
    calls   bigint      not null,
    primary key (account, minute)
);

comment on table api_calls is 'Calls to the current API in the last hour, and those a run at work may still make';
comment on column api_calls.account is 'The OneLogin account, as given to --account';
comment on column api_calls.minute is 'When they were counted';
comment on column api_calls.calls is 'How many';

alter table watermarks
    add column rescanned_at timestamptz,
    add column rescan_next timestamptz;

comment on column watermarks.source is 'The API: legacy or events; webhook for saved deliveries';
comment on column watermarks.high_water_mark is 'The greatest created_at committed; null before the first record';
comment on column watermarks.rescanned_at is 'As of when the span of --rescan was last read again; null when never';
comment on column watermarks.rescan_next is 'Where that goes on; null when it was done whole';

alter table sync_runs
    add column successes bigint not null default 0,
    add column ignored bigint not null default 0,
    add column people_pending bigint not null default 0;
alter table sync_runs
    alter column successes drop default,
    alter column ignored drop default,
    alter column people_pending drop default;

comment on column sync_runs.source is 'The API: legacy or events; webhook for saved deliveries';
comment on column sync_runs.successes is 'Successes in the windows committed, known ones included; not part of fetched';
comment on column sync_runs.ignored is 'Events of types that were not asked for; not part of fetched';
comment on column sync_runs.people_pending is 'People whom the users API is still to be asked about';

alter table sync_windows
    add column successes bigint not null default 0,
    add column ignored bigint not null default 0;
alter table sync_windows
    alter column successes drop default,
    alter column ignored drop default;

comment on column sync_windows.source is 'The API: legacy or events; webhook for saved deliveries';
comment on column sync_windows.successes is 'Successes in the answer, known ones included; not part of fetched';
comment on column sync_windows.ignored is 'Events of types that were not asked for; not part of fetched';

comment on column rejected_records.source is 'The API it came from: legacy, events, or webhook for a saved delivery';
comment on column rejected_records.reason is 'not_json, not_an_object, bad_id, bad_created_at, bad_event_type, bad_field or key_collision';
