#!/bin/sh
# Finds Postgres on this machine, and keeps a throwaway server for the tests.
#
#   postgres.sh find       print the folder of the server binaries; exit 1 if there are none
#   postgres.sh keep DIR   run a server in DIR for as long as standard input stays open
#
# `keep` takes one command a line, `create`, `start PORT` or `stop`, and answers `done` or `failed`;
# the reasons are in DIR/log. The end of input means that the tests are gone, however they ended:
# the server is stopped and DIR removed. Plain sh, since the tests run it with whatever is there.

set -u

candidates() {
    initdb=$(command -v initdb) && dirname "$initdb"
    command -v pg_config >/dev/null && pg_config --bindir
    # Debian, Red Hat, Homebrew on ARM and on Intel; the newest version first.
    ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
        /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin 2>/dev/null |
        sed -n 's|^[^0-9]*\([0-9]*\).*|\1 &|p' | sort -rn | cut -d ' ' -f 2-
}

# Clients are often installed without the server, so a folder counts only with all three.
find_binaries() {
    candidates | {
        while read -r dir; do
            if [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && [ -x "$dir/postgres" ]; then
                echo "$dir"
                exit 0
            fi
        done
        exit 1
    }
}

create() {
    "$bin/initdb" -D "$dir/data" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync &&
        # Nothing here outlives the tests, so nothing waits for the disk. But commits stay synchronous:
        # with fsync off that is nearly free, and what was committed is still there after `stop`.
        # No Unix socket: its path has a length limit that a long TMPDIR breaks.
        cat >>"$dir/data/postgresql.conf" <<EOF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
max_wal_size = 128MB
fsync = off
full_page_writes = off
EOF
}

# 60 s: a start takes well under one, even on a busy machine.
start() {
    "$bin/pg_ctl" start -w -t 60 -D "$dir/data" -l "$dir/log" -o "-p $1"
}

stop() {
    "$bin/pg_ctl" stop -w -t 60 -D "$dir/data" -m immediate
}

keep() {
    dir=$1
    if ! bin=$(find_binaries); then
        echo missing
        rm -rf "$dir"
        return 1
    fi
    # Only the end of input ends this: not Ctrl-C, nor an answer that nobody is left to read.
    trap '' HUP INT TERM PIPE
    while read -r command port; do
        if case $command in
            create) create ;;
            start) start "$port" ;;
            stop) stop ;;
        esac >>"$dir/log" 2>&1; then
            echo "done"
        else
            echo failed
        fi
    done
    stop >/dev/null 2>&1
    cd / && rm -rf "$dir"
}

case ${1-} in
find) find_binaries ;;
keep) keep "$2" ;;
*)
    echo "usage: postgres.sh find | keep DIR" >&2
    exit 64
    ;;
esac
