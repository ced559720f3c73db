-- Fenced: no row changes if another run has taken the lease since.
insert into rereads (
    account, source, span, read_at, part_read, is_failures_only, begun_at, next_from, next_until,
    skipped_seconds, piece_seconds
)
select account, source, $4, $5, $6, $7, $8, $9, $10, $11, $12
from watermarks
where account = $1 and source = $2 and lease_token = $3
on conflict (account, source, span) do update set
    read_at = excluded.read_at,
    part_read = excluded.part_read,
    is_failures_only = excluded.is_failures_only,
    begun_at = excluded.begun_at,
    next_from = excluded.next_from,
    next_until = excluded.next_until,
    skipped_seconds = excluded.skipped_seconds,
    piece_seconds = excluded.piece_seconds
