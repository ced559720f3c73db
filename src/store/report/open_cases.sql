-- Cases are counted by error first, of which there are few; the class of each is then looked up once.
select g.account, g.app_name,
       coalesce(g.error_class, t.error_class) as error_class,
       coalesce(g.retryable, t.retryable) as retryable,
       coalesce(g.recommended_action, t.recommended_action) as recommended_action,
       cast(sum(g.open_cases) as bigint) as open_cases, cast(sum(g.unknown_cases) as bigint) as unknown_cases,
       min(g.oldest_at) as oldest_at
from (
    select account, app_name, error_fingerprint, is_skipped,
           min(case when error_fingerprint = '' then error_class end) as error_class,
           min(case when error_fingerprint = '' then retryable end) as retryable,
           min(case when error_fingerprint = '' or is_skipped then recommended_action end) as recommended_action,
           count(case when status = 'open' then 1 end) as open_cases,
           count(case when status = 'unknown' then 1 end) as unknown_cases,
           min(opened_at) as oldest_at
    from open_cases
    where account = $1
    group by account, app_name, error_fingerprint, is_skipped
) g
left join error_texts t on t.account = g.account and t.error_fingerprint = g.error_fingerprint
group by g.account, g.app_name, coalesce(g.error_class, t.error_class), coalesce(g.retryable, t.retryable),
         coalesce(g.recommended_action, t.recommended_action)
order by sum(g.open_cases) + sum(g.unknown_cases) desc, min(g.oldest_at)
limit $2
