with classified (
    account, error_fingerprint, error_class, retryable, recommended_action, rules_version
) as (select * from unnest($1,$2,$3,$4,$5,$6))
update error_texts set
    error_class = classified.error_class,
    retryable = classified.retryable,
    recommended_action = classified.recommended_action,
    rules_version = classified.rules_version
from classified
where error_texts.account = classified.account
  and error_texts.error_fingerprint = classified.error_fingerprint
