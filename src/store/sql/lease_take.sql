-- Takes the lease if nobody holds it: it was never taken, was released, has expired at $5, or ends after
-- $6, which no lease does that was taken under a right clock.
-- The token increases with every lease, which distinguishes a run that lost its lease from its successor.
insert into watermarks (account, source, lease_owner, lease_token, lease_expires_at, updated_at)
values ($1, $2, $3, 1, $4, $5)
on conflict (account, source) do update set
    lease_owner = excluded.lease_owner,
    lease_token = watermarks.lease_token + 1,
    lease_expires_at = excluded.lease_expires_at,
    updated_at = excluded.updated_at
where watermarks.lease_expires_at is null or watermarks.lease_expires_at <= excluded.updated_at
    or watermarks.lease_expires_at > $6
returning lease_token, high_water_mark, scanned_through, read_from
