-- Missing fingerprints come first.
update accounts set
    rebuild_step = case when rebuild_step = 'fingerprints' then rebuild_step else 'users' end,
    rebuilt_through = null
where account = $1
