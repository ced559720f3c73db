-- The only statement that lowers a watermark, and only one that lies ahead of the clocks. The span that was
-- read in the meantime counts as not re-read.
update watermarks set
    scanned_through = $4,
    high_water_mark = (
        select max(created_at) from (
            select max(created_at) as created_at from provisioning_failures
            where account = $1 and source = $2 and created_at <= $4
            union all
            select max(created_at) from provisioning_successes
            where account = $1 and source = $2 and created_at <= $4
        ) committed
    ),
    successes_from = case when $4 > successes_from then successes_from end,
    successes_through = case when $4 <= successes_from then null when $4 < successes_through then $4
        when $4 >= successes_through then successes_through end,
    rescanned_at = null, rescan_next = null, updated_at = $5
where account = $1 and source = $2 and lease_token = $3
returning high_water_mark, scanned_through
