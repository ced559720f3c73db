-- What follows from the failures and successes, stored, so that views answer at once: cases, error texts, and
-- counts per day. The program fills these tables; V10 only notes which accounts need it.

create table provisioning_cases (
    -- Failures of one user, app and operation until something closes them.
    account text not null, -- The OneLogin account, as given to --account
    case_id uuid not null, -- The failure_id of its first failure
    user_id integer not null, -- The user (users)
    app_id integer, -- The app's id in its first failure; null if the source gave none
    app_name text, -- The app's name in its first failure; null if that names none
    operation text not null, -- create, update, suspend, reactivate, delete or unknown
    is_skipped boolean not null default false check (is_skipped in (0, 1)), -- Whether OneLogin was set to do nothing, so that no attempt was made
    opened_at datetime not null check (opened_at like '____-__-__ __:__:__.___+00:00'), -- When its first failure happened
    last_failure_at datetime not null check (last_failure_at like '____-__-__ __:__:__.___+00:00'), -- When its last failure happened
    last_failure_id uuid not null, -- Its last failure (provisioning_failures)
    attempts integer not null, -- Its failures; 0 if it is skipped
    error_fingerprint text, -- The error of its last failure (error_texts); null if it is skipped
    resolved_at datetime check (resolved_at like '____-__-__ __:__:__.___+00:00'), -- When something closed it; null while nothing has
    resolved_by text check (resolved_by in ('success', 'deletion', 'resolution', 'superseded')), -- success, deletion, resolution (by OneLogin) or superseded; null while nothing has closed it
    is_resolution_timed boolean not null default true check (is_resolution_timed in (0, 1)), -- Whether resolved_at is the time of the resolution; if OneLogin gave none, it is the time of the last failure
    primary key (account, case_id)
);
create index provisioning_cases_by_user on provisioning_cases (account, user_id, operation);
create index provisioning_cases_unresolved on provisioning_cases (account, opened_at) where resolved_at is null;
create index provisioning_cases_by_resolution on provisioning_cases (account, resolved_at);

create table error_texts (
    -- The different errors, without what distinguishes one failure from another.
    account text not null, -- The OneLogin account, as given to --account
    error_fingerprint text not null, -- Hash of text, as 16 hex digits
    text text not null, -- The error without names, addresses, ids and numbers
    example text not null, -- One such error, without names
    error_class text not null default 'unknown', -- The kind of error; unknown if no rule matches
    retryable text not null default 'no' check (retryable in ('yes', 'later', 'no')), -- Whether to repeat the attempt: yes, later or no
    recommended_action text not null default 'Read the error in the app''s own log', -- What to do about it
    rules_version text, -- The rules that decided the class; null before any did
    first_failure_at datetime not null check (first_failure_at like '____-__-__ __:__:__.___+00:00'), -- When the first of these failures happened
    last_failure_at datetime not null check (last_failure_at like '____-__-__ __:__:__.___+00:00'), -- When the last of these failures happened
    failures integer not null, -- Number of these failures, each once
    primary key (account, error_fingerprint)
);

create table failures_by_day (
    -- Counts per UTC day, where anything happened. Failures have a row per error; the row without one has all else.
    account text not null, -- The OneLogin account, as given to --account
    day date not null check (day like '____-__-__'), -- The UTC day
    app_name text not null, -- The app's name; empty if none is known
    operation text not null, -- create, update, suspend, reactivate, delete or unknown
    error_fingerprint text not null, -- The error of these failures (error_texts); empty in the row of all other counts
    failures integer not null default 0, -- Failures, each once
    successes integer not null default 0, -- Successes
    skipped integer not null default 0, -- Attempts that OneLogin was set not to make
    opened integer not null default 0, -- Cases that were opened (provisioning_cases)
    resolved integer not null default 0, -- Cases that were resolved (provisioning_cases)
    primary key (account, day, app_name, operation, error_fingerprint)
);

create table data_dictionary (
    -- Every table, view and column, with its description.
    table_name text not null, -- The table or view
    column_name text not null, -- The column; empty for the table or view itself
    kind text not null check (kind in ('table', 'view')), -- table or view
    type_postgres text not null, -- The column's type in Postgres; empty for a table or view
    type_sqlite text not null, -- The column's declared type in SQLite; empty for a table or view
    description text not null, -- What it holds
    is_personal boolean not null check (is_personal in (0, 1)), -- Whether it holds personal data
    primary key (table_name, column_name)
);

alter table accounts rename to old_accounts;
create table accounts (
    -- Your accounts, and the OneLogin account that each of them stands for.
    account text not null primary key, -- The OneLogin account, as given to --account
    onelogin_account_id integer, -- OneLogin's own id of the account; null until a token or a record has named it
    rebuild_step text, -- What is built again: fingerprints, or users (their twins, cases, days and texts); null if nothing is
    rebuilt_through integer -- The greatest user_id for which that step is done; null for none
);
insert into accounts (account, onelogin_account_id) select account, onelogin_account_id from old_accounts;
drop table old_accounts;

-- Look-ups by user: the failures of a case, and the successes that may close it.
create index provisioning_failures_by_user on provisioning_failures (account, user_id, operation, created_at);
drop index provisioning_successes_by_user;
create index provisioning_successes_by_user on provisioning_successes (account, user_id, created_at);

insert into accounts (account)
select account from (
    select account from provisioning_failures union select account from provisioning_successes
) where true
on conflict (account) do nothing;

update accounts set rebuild_step = 'fingerprints'
where account in (select account from provisioning_failures union select account from provisioning_successes);
update watermarks set needs_rebuild = true
where account in (select account from accounts where rebuild_step is not null);
