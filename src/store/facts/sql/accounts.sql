select account from accounts order by account
