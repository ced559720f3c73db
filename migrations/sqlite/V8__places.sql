-- A watermark belongs to one OneLogin: the host it was read from, and the account's own id.

create table accounts (
    -- Your accounts, and the OneLogin account that each of them stands for.
    account text not null primary key, -- The OneLogin account, as given to --account
    onelogin_account_id integer -- OneLogin's own id of the account; null until a token or a record has named it
) strict;

insert into accounts (account) select distinct account from watermarks;

-- The table is rebuilt because SQLite keeps comments inside the statement that made it.
drop view sync_health;

create table watermarks_8 (
    -- Per account and source: how far the sync has got, and which run holds the lease.
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events; webhook for saved deliveries
    high_water_mark text, -- The greatest created_at committed; null before the first record
    scanned_through text, -- The end of the last window committed; null before the first
    lease_owner text, -- Host and process of the run that holds the lease; null if no run does
    lease_token integer not null, -- Fencing token: increases with every lease; a commit with an older one is refused
    lease_expires_at text, -- When the lease expires unless renewed; null if no run holds it
    updated_at text not null, -- When this row was last written
    rescanned_at text, -- Time up to which the span of --rescan was last re-read; null before the first time
    rescan_next text, -- Where an unfinished rescan continues; null if the last one finished
    read_from text, -- Host and port that the records come from, without the default port; null before the first window, and for saved files
    primary key (account, source)
) strict;

insert into watermarks_8 select *, null from watermarks;
drop table watermarks;
alter table watermarks_8 rename to watermarks;

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
       (select count(*) from rejected_records j
        where j.account = w.account and j.source = w.source and j.replayed_at is null) as open_rejects,
       w.read_from,
       coalesce(max(strftime('%s', w.scanned_through) + 0, coalesce(strftime('%s', w.high_water_mark) + 0, 0))
                > strftime('%s', 'now') + 60, 0) as is_watermark_ahead
from watermarks w
left join sync_runs r on r.run_id = (
    select n.run_id from sync_runs n
    where n.account = w.account and n.source = w.source
    order by n.started_at desc, n.run_id desc limit 1
);
