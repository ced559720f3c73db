insert into api_calls (account, minute, calls) values ($1, $2, $3)
on conflict (account, minute) do update set calls = api_calls.calls + excluded.calls
