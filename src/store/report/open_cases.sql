-- Counted by error first: an error has one class, which then is looked up for few rows.
select c.account, c.app_name, coalesce(t.error_class, 'unknown') as error_class, coalesce(t.retryable, 'no') as retryable,
       case when c.is_skipped then 'Remove the access in the app by hand'
            else coalesce(t.recommended_action, 'Read the error in the app''s own log') end as recommended_action,
       cast(sum(c.open_cases) as bigint) as open_cases, cast(sum(c.unknown_cases) as bigint) as unknown_cases,
       min(c.oldest_at) as oldest_at
from (
    select account, app_id, app_name, error_fingerprint, is_skipped,
           count(case when status = 'open' then 1 end) as open_cases,
           count(case when status = 'unknown' then 1 end) as unknown_cases,
           min(opened_at) as oldest_at
    from open_cases
    where account = $1
    group by account, app_id, app_name, error_fingerprint, is_skipped
) c
left join error_texts t on t.account = c.account and t.error_fingerprint = c.error_fingerprint
group by 1, 2, 3, 4, 5
order by sum(c.open_cases) + sum(c.unknown_cases) desc, min(c.oldest_at)
limit $2
