select rebuild_step, rebuilt_through from accounts where account = $1
