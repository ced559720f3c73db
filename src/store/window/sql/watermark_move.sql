-- Fenced: no row changes if another run has taken the lease since. Monotone: watermarks never move
-- backward, whatever the program passes.
update watermarks set
    high_water_mark = $4, scanned_through = $5, lease_expires_at = $6, updated_at = $7,
    read_from = coalesce($8, read_from)
where account = $1 and source = $2 and lease_token = $3
  and (high_water_mark is null or high_water_mark <= $4)
  and (scanned_through is null or scanned_through <= $5)
