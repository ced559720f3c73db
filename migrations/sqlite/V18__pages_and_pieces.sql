-- The size of a server's pages, and of the next piece of what is re-read, for the next run.

alter table reading_plans rename to old_reading_plans;
create table reading_plans (
    -- Per account and source: what is known for planning the next windows.
    account text not null, -- The OneLogin account, as given to --account
    source text not null, -- The API: legacy or events
    densest real, -- Records per second of the densest hour of the last weeks; null before the first window
    planned_part real not null, -- Part of the usual size for which a window is planned: halved after a run that was killed or stopped, doubled after another
    reserved_calls integer not null, -- Calls that a run in progress has reserved; the next run returns those of a killed one
    reserved_minute datetime check (reserved_minute like '____-__-__ __:__:__.___+00:00'), -- The minute of api_calls in which they are counted; null if there is none
    takes_one_type boolean check (takes_one_type in (0, 1)), -- Whether the events API takes only the first of several event types; null until it was compared
    page real, -- Records of a full page; null until one was seen
    primary key (account, source)
);

insert into reading_plans (
    account, source, densest, planned_part, reserved_calls, reserved_minute, takes_one_type
)
select account, source, densest, planned_part, reserved_calls, reserved_minute, takes_one_type
from old_reading_plans;
drop table old_reading_plans;

alter table rereads rename to old_rereads;
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
    piece_seconds integer, -- Seconds of the next piece at most, after one that held too many pages; null if none did
    primary key (account, source, span)
);

insert into rereads (
    account, source, span, read_at, part_read, is_failures_only, begun_at, next_from, next_until, skipped_seconds
)
select account, source, span, read_at, part_read, is_failures_only, begun_at, next_from, next_until, skipped_seconds
from old_rereads;
drop table old_rereads;
