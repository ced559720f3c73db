-- What a run reads next: how dense earlier windows were, what is re-read and how far, and which event types
-- are copied since when.

create table reading_plans (
    account         text             not null,
    source          text             not null,
    densest         double precision,
    planned_part    double precision not null,
    reserved_calls  bigint           not null,
    reserved_minute timestamptz,
    takes_one_type  boolean,
    primary key (account, source)
);

comment on table reading_plans is 'Per account and source: what is known for planning the next windows';
comment on column reading_plans.account is 'The OneLogin account, as given to --account';
comment on column reading_plans.source is 'The API: legacy or events';
comment on column reading_plans.densest is 'Records per second of the densest hour of the last weeks; null before the first window';
comment on column reading_plans.planned_part is 'Part of the usual size for which a window is planned: halved after a run that was killed or stopped, doubled after another';
comment on column reading_plans.reserved_calls is 'Calls that a run in progress has reserved; the next run returns those of a killed one';
comment on column reading_plans.reserved_minute is 'The minute of api_calls in which they are counted; null if there is none';
comment on column reading_plans.takes_one_type is 'Whether the events API takes only the first of several event types; null until it was compared';

create table rereads (
    account          text             not null,
    source           text             not null,
    span             text             not null check (span in ('hour', 'day', 'week')),
    read_at          timestamptz      not null,
    part_read        double precision not null,
    is_failures_only boolean          not null,
    begun_at         timestamptz,
    next_from        timestamptz,
    next_until       timestamptz,
    skipped_seconds  bigint           not null,
    primary key (account, source, span)
);

comment on table rereads is 'Re-reading, per span before the last scan: what late and changed records are found by';
comment on column rereads.account is 'The OneLogin account, as given to --account';
comment on column rereads.source is 'The API: legacy or events';
comment on column rereads.span is 'hour; day for the span of --overlap; week for the span of --rescan before it';
comment on column rereads.read_at is 'As of when the span was last read to its end';
comment on column rereads.part_read is 'Part of the span that was read then, from 0 to 1';
comment on column rereads.is_failures_only is 'Whether only failures were requested, so that late successes are not found';
comment on column rereads.begun_at is 'As of when the unfinished re-reading began; null if none is unfinished';
comment on column rereads.next_from is 'Where it continues; null if none is unfinished';
comment on column rereads.next_until is 'Where it ends; null if none is unfinished';
comment on column rereads.skipped_seconds is 'Seconds that became older than the span before it came to them';

create table reread_windows (
    account          text    not null,
    window_id        uuid    not null,
    span             text    not null,
    is_failures_only boolean not null,
    pages            bigint  not null,
    primary key (account, window_id)
);

comment on table reread_windows is 'The windows of the ledger (sync_windows) that re-read a span';
comment on column reread_windows.account is 'The OneLogin account, as given to --account';
comment on column reread_windows.window_id is 'The window (sync_windows)';
comment on column reread_windows.span is 'The span that it is part of (rereads)';
comment on column reread_windows.is_failures_only is 'Whether only failures were requested';
comment on column reread_windows.pages is 'Pages read: calls for events, 50 records each for legacy';

create table selected_event_types (
    account       text   not null,
    event_type_id bigint not null,
    selected_from timestamptz,
    primary key (account, event_type_id)
);

comment on table selected_event_types is 'The event types of --event-types, and since when they are copied';
comment on column selected_event_types.account is 'The OneLogin account, as given to --account';
comment on column selected_event_types.event_type_id is 'As in provisioning_failures and provisioning_successes';
comment on column selected_event_types.selected_from is 'Events of this type are copied from this time on; null if from the first window on';

-- What was re-read until now.
insert into rereads (account, source, span, read_at, part_read, is_failures_only, skipped_seconds)
select w.account, w.source, s.span, coalesce(w.rescanned_at, w.scanned_through), 1, false, 0
from watermarks w
cross join (values ('hour'), ('day'), ('week')) s (span)
where w.scanned_through is not null and (w.rescanned_at is not null or w.source = 'legacy');

-- The types that earlier versions copied, unless others were selected.
insert into selected_event_types (account, event_type_id)
select w.account, t.event_type_id
from watermarks w
cross join (values (25), (51), (52), (53), (54), (55), (59), (61), (62), (63), (64), (65)) t (event_type_id)
where w.source = 'events' and w.scanned_through is not null;
