insert into reread_windows (account, window_id, span, is_failures_only, pages) values ($1, $2, $3, $4, $5)
