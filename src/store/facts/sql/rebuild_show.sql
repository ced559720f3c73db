update watermarks set needs_rebuild = $2 where account = $1 and needs_rebuild <> $2
