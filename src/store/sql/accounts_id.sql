select onelogin_account_id from accounts where account = $1
