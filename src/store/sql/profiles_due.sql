-- New users first: those of whom only a name is known.
select user_id from users
where account = $1
  and (profile_at is null or profile_at < $2)
  and (asked_at is null or asked_at < $2)
order by asked_at is not null, profile_at is not null, last_failure_id desc
