-- What was opened less what was resolved is what is not resolved now, for each account.
select d.account, d.backlog, c.cases
from (
    select account, sum(opened) - sum(resolved) as backlog from {{ ref('stg_days') }} group by account
) d
left join (
    select account, count(*) as cases from {{ ref('stg_cases') }} where status <> 'resolved' group by account
) c on c.account = d.account
where d.backlog <> coalesce(c.cases, 0)
