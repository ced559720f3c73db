-- `on conflict do nothing` alone would wait for a window that has locked the row.
insert into accounts (account)
select cast($1 as text) where not exists (select 1 from accounts where account = $1)
on conflict (account) do nothing
