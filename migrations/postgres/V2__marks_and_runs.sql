-- What the program remembers: where it stopped, who is at work, and what each run did.

create table watermarks (
    account          text        not null,
    source           text        not null,
    high_water_mark  timestamptz,
    scanned_through  timestamptz,
    lease_owner      text,
    lease_token      bigint      not null,
    lease_expires_at timestamptz,
    updated_at       timestamptz not null,
    primary key (account, source)
);

comment on table watermarks is 'Where the sync stands: one row an account and source';
comment on column watermarks.account is 'The OneLogin account, as given to --account';
comment on column watermarks.source is 'The API: legacy';
comment on column watermarks.high_water_mark is 'The greatest created_at committed; null before the first failure';
comment on column watermarks.scanned_through is 'The end of the last window committed; null before the first';
comment on column watermarks.lease_owner is 'Host and process of the run at work; null when none is';
comment on column watermarks.lease_token is 'Grows with each lease; a commit with an older one is refused';
comment on column watermarks.lease_expires_at is 'When the lease ends unless renewed; null when none is held';
comment on column watermarks.updated_at is 'When this row was last written';

create table sync_runs (
    run_id        uuid        not null primary key,
    account       text        not null,
    source        text        not null,
    status        text        not null check (status in ('running', 'succeeded', 'failed', 'interrupted')),
    started_at    timestamptz not null,
    finished_at   timestamptz,
    exit_code     integer,
    error         text,
    fetched       bigint      not null,
    inserted      bigint      not null,
    updated       bigint      not null,
    unchanged     bigint      not null,
    rejected      bigint      not null,
    users_written bigint      not null,
    requests      bigint      not null,
    retries       bigint      not null,
    bytes         bigint      not null,
    version       text        not null
);

create index sync_runs_by_start on sync_runs (account, source, started_at);

comment on table sync_runs is 'Runs of sync: one row each, from its start on';
comment on column sync_runs.run_id is 'In the order of time';
comment on column sync_runs.account is 'The OneLogin account, as given to --account';
comment on column sync_runs.source is 'The API: legacy';
comment on column sync_runs.status is 'running, succeeded, failed or interrupted';
comment on column sync_runs.started_at is 'When it took its lease';
comment on column sync_runs.finished_at is 'When it ended; null while it runs';
comment on column sync_runs.exit_code is 'The process''s exit code; null while it runs, or if it was killed';
comment on column sync_runs.error is 'What went wrong; null when nothing did';
comment on column sync_runs.fetched is 'Records in the windows committed = inserted + updated + unchanged + rejected';
comment on column sync_runs.inserted is 'Failures that were new';
comment on column sync_runs.updated is 'Failures whose content had changed';
comment on column sync_runs.unchanged is 'Failures that were here already; not written';
comment on column sync_runs.rejected is 'Records put into rejected_records, known ones included';
comment on column sync_runs.users_written is 'Rows of users written';
comment on column sync_runs.requests is 'HTTP requests sent';
comment on column sync_runs.retries is 'Requests that had to be repeated';
comment on column sync_runs.bytes is 'Bytes of body read, decompressed';
comment on column sync_runs.version is 'Version of onelogin-sync';

create table sync_windows (
    window_id    uuid        not null primary key,
    run_id       uuid        not null references sync_runs (run_id),
    account      text        not null,
    source       text        not null,
    window_from  timestamptz not null,
    window_to    timestamptz not null,
    fetched      bigint      not null,
    inserted     bigint      not null,
    updated      bigint      not null,
    unchanged    bigint      not null,
    rejected     bigint      not null,
    committed_at timestamptz not null
);

create index sync_windows_by_run on sync_windows (run_id);

comment on table sync_windows is 'The ledger: one row a window, written in the transaction of its rows';
comment on column sync_windows.window_id is 'In the order of time';
comment on column sync_windows.run_id is 'The run (sync_runs)';
comment on column sync_windows.account is 'The OneLogin account, as given to --account';
comment on column sync_windows.source is 'The API: legacy';
comment on column sync_windows.window_from is 'Start of the interval asked for';
comment on column sync_windows.window_to is 'Its end, never past the server''s now';
comment on column sync_windows.fetched is 'Records in the answer = inserted + updated + unchanged + rejected';
comment on column sync_windows.inserted is 'Failures that were new';
comment on column sync_windows.updated is 'Failures whose content had changed';
comment on column sync_windows.unchanged is 'Failures that were here already; not written';
comment on column sync_windows.rejected is 'Records put into rejected_records, known ones included';
comment on column sync_windows.committed_at is 'When the window was committed';
