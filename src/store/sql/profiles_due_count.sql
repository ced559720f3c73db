select count(*) from users
where account = $1
  and (profile_at is null or profile_at < $2)
  and (asked_at is null or asked_at < $2)
