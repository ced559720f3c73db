-- Whether a run since some time did not read all that was new; one that loaded a file had nothing to read. The runs of
-- other processes have ended. One that ended with 65 for its rejects had committed its windows; one that found a collision
-- had not.
select exists (
    select 1 from sync_runs r
    where r.account = $1 and r.source = $2 and r.started_at > $3 and r.status not in ('running', 'succeeded')
      and (r.requests > 0 or r.status = 'interrupted')
      and not (coalesce(r.exit_code, 0) = 65 and exists (
          select 1 from sync_windows w where w.account = r.account and w.run_id = r.run_id
      ))
)
