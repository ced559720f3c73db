-- The first and the last in the order of names; each is one look-up in an index.
select
    (select min(source) from sync_runs where account = $1),
    (select max(source) from sync_runs where account = $1)
