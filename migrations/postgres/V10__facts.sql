-- What follows from the failures and successes, stored, so that views answer at once: cases, error texts, and
-- counts per day. The program fills these tables; V10 only notes which accounts need it.

create table provisioning_cases (
    account            text        not null,
    case_id            uuid        not null,
    user_id            bigint      not null,
    app_id             bigint,
    app_name           text,
    operation          text        not null,
    is_skipped         boolean     not null default false,
    opened_at          timestamptz not null,
    last_failure_at    timestamptz not null,
    last_failure_id    uuid        not null,
    attempts           bigint      not null,
    error_fingerprint  text,
    resolved_at        timestamptz,
    resolved_by        text check (resolved_by in ('success', 'deletion', 'resolution', 'superseded')),
    is_resolution_timed boolean    not null default true,
    primary key (account, case_id)
);
create index provisioning_cases_by_user on provisioning_cases (account, user_id, operation);
create index provisioning_cases_unresolved on provisioning_cases (account, opened_at) where resolved_at is null;
create index provisioning_cases_by_resolution on provisioning_cases (account, resolved_at);

comment on table provisioning_cases is 'Failures of one user, app and operation until something closes them';
comment on column provisioning_cases.account is 'The OneLogin account, as given to --account';
comment on column provisioning_cases.case_id is 'The failure_id of its first failure';
comment on column provisioning_cases.user_id is 'The user (users)';
comment on column provisioning_cases.app_id is 'The app''s id in its first failure; null if the source gave none';
comment on column provisioning_cases.app_name is 'The app''s name in its first failure; null if that names none';
comment on column provisioning_cases.operation is 'create, update, suspend, reactivate, delete or unknown';
comment on column provisioning_cases.is_skipped is 'Whether OneLogin was set to do nothing, so that no attempt was made';
comment on column provisioning_cases.opened_at is 'When its first failure happened';
comment on column provisioning_cases.last_failure_at is 'When its last failure happened';
comment on column provisioning_cases.last_failure_id is 'Its last failure (provisioning_failures)';
comment on column provisioning_cases.attempts is 'Its failures; 0 if it is skipped';
comment on column provisioning_cases.error_fingerprint is 'The error of its last failure (error_texts); null if it is skipped';
comment on column provisioning_cases.resolved_at is 'When something closed it; null while nothing has';
comment on column provisioning_cases.resolved_by is 'success, deletion, resolution (by OneLogin) or superseded; null while nothing has closed it';
comment on column provisioning_cases.is_resolution_timed is 'Whether resolved_at is the time of the resolution; if OneLogin gave none, it is the time of the last failure';

create table error_texts (
    account            text        not null,
    error_fingerprint  text        not null,
    text               text        not null,
    example            text        not null,
    error_class        text        not null default 'unknown',
    retryable          text        not null default 'no' check (retryable in ('yes', 'later', 'no')),
    recommended_action text        not null default 'Read the error in the app''s own log',
    rules_version      text,
    first_failure_at   timestamptz not null,
    last_failure_at    timestamptz not null,
    failures           bigint      not null,
    primary key (account, error_fingerprint)
);

comment on table error_texts is 'The different errors, without what distinguishes one failure from another';
comment on column error_texts.account is 'The OneLogin account, as given to --account';
comment on column error_texts.error_fingerprint is 'Hash of text, as 16 hex digits';
comment on column error_texts.text is 'The error without names, addresses, ids and numbers';
comment on column error_texts.example is 'One such error, without names';
comment on column error_texts.error_class is 'The kind of error; unknown if no rule matches';
comment on column error_texts.retryable is 'Whether to repeat the attempt: yes, later or no';
comment on column error_texts.recommended_action is 'What to do about it';
comment on column error_texts.rules_version is 'The rules that decided the class; null before any did';
comment on column error_texts.first_failure_at is 'When the first of these failures happened';
comment on column error_texts.last_failure_at is 'When the last of these failures happened';
comment on column error_texts.failures is 'Number of these failures, each once';

create table failures_by_day (
    account           text   not null,
    day               date   not null,
    app_name          text   not null,
    operation         text   not null,
    error_fingerprint text   not null,
    failures          bigint not null default 0,
    successes         bigint not null default 0,
    skipped           bigint not null default 0,
    opened            bigint not null default 0,
    resolved          bigint not null default 0,
    primary key (account, day, app_name, operation, error_fingerprint)
);

comment on table failures_by_day is 'Counts per UTC day, where anything happened. Failures have a row per error; the row without one has all else';
comment on column failures_by_day.account is 'The OneLogin account, as given to --account';
comment on column failures_by_day.day is 'The UTC day';
comment on column failures_by_day.app_name is 'The app''s name; empty if none is known';
comment on column failures_by_day.operation is 'create, update, suspend, reactivate, delete or unknown';
comment on column failures_by_day.error_fingerprint is 'The error of these failures (error_texts); empty in the row of all other counts';
comment on column failures_by_day.failures is 'Failures, each once';
comment on column failures_by_day.successes is 'Successes';
comment on column failures_by_day.skipped is 'Attempts that OneLogin was set not to make';
comment on column failures_by_day.opened is 'Cases that were opened (provisioning_cases)';
comment on column failures_by_day.resolved is 'Cases that were resolved (provisioning_cases)';

create table data_dictionary (
    table_name    text    not null,
    column_name   text    not null,
    kind          text    not null check (kind in ('table', 'view')),
    type_postgres text    not null,
    type_sqlite   text    not null,
    description   text    not null,
    is_personal   boolean not null,
    primary key (table_name, column_name)
);

comment on table data_dictionary is 'Every table, view and column, with its description';
comment on column data_dictionary.table_name is 'The table or view';
comment on column data_dictionary.column_name is 'The column; empty for the table or view itself';
comment on column data_dictionary.kind is 'table or view';
comment on column data_dictionary.type_postgres is 'The column''s type in Postgres; empty for a table or view';
comment on column data_dictionary.type_sqlite is 'The column''s declared type in SQLite; empty for a table or view';
comment on column data_dictionary.description is 'What it holds';
comment on column data_dictionary.is_personal is 'Whether it holds personal data';

alter table accounts
    add column rebuild_step text,
    add column rebuilt_through bigint;
comment on column accounts.rebuild_step is 'What is built again: fingerprints, or users (their twins, cases, days and texts); null if nothing is';
comment on column accounts.rebuilt_through is 'The greatest user_id for which that step is done; null for none';

-- Look-ups by user: the failures of a case, and the successes that may close it.
create index provisioning_failures_by_user on provisioning_failures (account, user_id, operation, created_at);
drop index provisioning_successes_by_user;
create index provisioning_successes_by_user on provisioning_successes (account, user_id, created_at);

insert into accounts (account)
select account from provisioning_failures union select account from provisioning_successes
on conflict (account) do nothing;

update accounts set rebuild_step = 'fingerprints'
where account in (select account from provisioning_failures union select account from provisioning_successes);
update watermarks set needs_rebuild = true
where account in (select account from accounts where rebuild_step is not null);
