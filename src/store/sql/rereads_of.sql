-- The watermark has the time of the week.
select r.span, case when r.span = 'week' then coalesce(w.rescanned_at, r.read_at) else r.read_at end,
       r.part_read, r.is_failures_only, r.begun_at, r.next_from, r.next_until, r.skipped_seconds,
       r.piece_seconds
from rereads r
join watermarks w on w.account = r.account and w.source = r.source
where r.account = $1 and r.source = $2
