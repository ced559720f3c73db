select error_fingerprint, text from error_texts where (account, error_fingerprint) in (values /*rows*/)
