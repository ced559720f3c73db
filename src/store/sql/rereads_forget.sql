delete from rereads where account = $1 and source = $2
