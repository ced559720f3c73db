select min(window_from) from sync_windows where account = $1 and source = $2
