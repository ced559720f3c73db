-- Some at a time, because an account may have many.
select error_fingerprint, text from error_texts
where account = $1 and (rules_version is null or rules_version <> $2)
order by error_fingerprint
limit 5000
