-- Finds the row and locks it, or makes it: `do nothing` would not lock.
insert into accounts (account) values ($1)
on conflict (account) do update set account = excluded.account
