delete from error_texts where account = $1 and failures = 0
