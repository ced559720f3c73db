-- No row changes if the account has another id: a run of another source may have recorded it meanwhile.
update accounts set onelogin_account_id = $2
where account = $1 and (onelogin_account_id is null or onelogin_account_id = $2)
