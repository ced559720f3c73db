update accounts set rebuild_step = $2, rebuilt_through = $3 where account = $1
