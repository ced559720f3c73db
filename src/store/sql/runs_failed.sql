-- Whether a run since some time did not end well. The runs of other processes have ended.
select exists (
    select 1 from sync_runs
    where account = $1 and source = $2 and started_at > $3 and status not in ('running', 'succeeded')
)
