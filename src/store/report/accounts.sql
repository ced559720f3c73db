-- What was never scanned has no row in account_times if it has no record either.
select s.account, max(t.as_of) as as_of
from sync_health s
left join account_times t on t.account = s.account
group by s.account
union
select t.account, t.as_of
from account_times t
where t.account not in (select account from sync_health)
order by account
