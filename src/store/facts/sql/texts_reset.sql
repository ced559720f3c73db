-- Texts stay: they were made with the names of the user at that time.
update error_texts set failures = 0 where account = $1 and failures <> 0
