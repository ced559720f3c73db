-- What a run reads next: how dense earlier windows were, what is re-read and how far, and which event types
-- are copied since when.

create table reading_plans (
    -- Per account and source: what is known for planning the next windows.
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events
    densest real, -- Records per second of the densest hour of the last weeks; null before the first window
    planned_part real not null, -- Part of the usual size for which a window is planned: halved after a run that was killed or stopped, doubled after another
    reserved_calls integer not null, -- Calls that a run in progress has reserved; the next run returns those of a killed one
    reserved_minute datetime check (reserved_minute like '____-__-__ __:__:__.___+00:00'), -- The minute of api_calls in which they are counted; null if there is none
    takes_one_type boolean check (takes_one_type in (0, 1)), -- Whether the events API takes only the first of several event types; null until it was compared
    primary key (account, source)
);

create table rereads (
    -- Re-reading, per span before the last scan: what late and changed records are found by.
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events
    span text not null check (span in ('hour', 'day', 'week')), -- hour; day for the span of --overlap; week for the span of --rescan before it
    read_at datetime not null check (read_at like '____-__-__ __:__:__.___+00:00'), -- As of when the span was last read to its end
    part_read real not null, -- Part of the span that was read then, from 0 to 1
    is_failures_only boolean not null check (is_failures_only in (0, 1)), -- Whether only failures were requested, so that late successes are not found
    begun_at datetime check (begun_at like '____-__-__ __:__:__.___+00:00'), -- As of when the unfinished re-reading began; null if none is unfinished
    next_from datetime check (next_from like '____-__-__ __:__:__.___+00:00'), -- Where it continues; null if none is unfinished
    next_until datetime check (next_until like '____-__-__ __:__:__.___+00:00'), -- Where it ends; null if none is unfinished
    skipped_seconds integer not null, -- Seconds that became older than the span before it came to them
    primary key (account, source, span)
);

create table reread_windows (
    -- The windows of the ledger (sync_windows) that re-read a span.
    account text not null, -- The OneLogin account, as given to --account
    window_id uuid not null, -- The window (sync_windows)
    span text not null, -- The span that it is part of (rereads)
    is_failures_only boolean not null check (is_failures_only in (0, 1)), -- Whether only failures were requested
    pages integer not null, -- Pages read: calls for events, 50 records each for legacy
    primary key (account, window_id)
);

create table selected_event_types (
    -- The event types of --event-types, and since when they are copied.
    account text not null, -- The OneLogin account, as given to --account
    event_type_id integer not null, -- As in provisioning_failures and provisioning_successes
    selected_from datetime check (selected_from like '____-__-__ __:__:__.___+00:00'), -- Events of this type are copied from this time on; null if from the first window on
    primary key (account, event_type_id)
);

-- What was re-read until now.
insert into rereads (account, source, span, read_at, part_read, is_failures_only, skipped_seconds)
select w.account, w.source, s.span, coalesce(w.rescanned_at, w.scanned_through), 1, false, 0
from watermarks w
cross join (select 'hour' as span union all select 'day' union all select 'week') s
where w.scanned_through is not null and (w.rescanned_at is not null or w.source = 'legacy');

-- The types that earlier versions copied, unless others were selected.
insert into selected_event_types (account, event_type_id)
select w.account, t.event_type_id
from watermarks w
cross join (
    select 25 as event_type_id union all select 51 union all select 52 union all select 53 union all select 54
    union all select 55 union all select 59 union all select 61 union all select 62 union all select 63
    union all select 64 union all select 65
) t
where w.source = 'events' and w.scanned_through is not null;
