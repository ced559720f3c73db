select r.account, r.source, r.span,
       case when r.span = 'week' then coalesce(w.rescanned_at, r.read_at) else r.read_at end,
       r.part_read, r.is_failures_only, r.next_from, r.next_until
from rereads r
join watermarks w on w.account = r.account and w.source = r.source
where $1 is null or r.account = $1
order by r.account, r.source, r.span
