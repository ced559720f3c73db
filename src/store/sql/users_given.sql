-- A few users whom the users API gave, the latest first.
select user_id from users
where account = $1 and profile_source = 'users'
order by profile_at desc, user_id
limit 4
