-- What the program remembers: where it stopped, who is at work, and what each run did.

create table watermarks (
    -- Where the sync stands: one row an account and source.
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy
    high_water_mark text, -- The greatest created_at committed; null before the first failure
    scanned_through text, -- The end of the last window committed; null before the first
    lease_owner text, -- Host and process of the run at work; null when none is
    lease_token integer not null, -- Grows with each lease; a commit with an older one is refused
    lease_expires_at text, -- When the lease ends unless renewed; null when none is held
    updated_at text not null, -- When this row was last written
    primary key (account, source)
) strict;

create table sync_runs (
    -- Runs of sync: one row each, from its start on.
    run_id text not null primary key, -- In the order of time
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy
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
    version text not null -- Version of onelogin-sync
) strict;

create index sync_runs_by_start on sync_runs (account, source, started_at);

create table sync_windows (
    -- The ledger: one row a window, written in the transaction of its rows.
    window_id text not null primary key, -- In the order of time
    run_id text not null references sync_runs (run_id), -- The run (sync_runs)
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy
    window_from text not null, -- Start of the interval asked for
    window_to text not null, -- Its end, never past the server's now
    fetched integer not null, -- Records in the answer = inserted + updated + unchanged + rejected
    inserted integer not null, -- Failures that were new
    updated integer not null, -- Failures whose content had changed
    unchanged integer not null, -- Failures that were here already; not written
    rejected integer not null, -- Records put into rejected_records, known ones included
    committed_at text not null -- When the window was committed
) strict;

create index sync_windows_by_run on sync_windows (run_id);
