insert into accounts (account) values ($1) on conflict (account) do nothing
