# shellcheck shell=bash
# Servers and programs that the scripts of bi/ start or look for. Each script sources this in the folder of the
# repository, has `work`, a temporary folder of its own, and calls `stop_servers` at its end.

fail() {
    echo "$0: $*" >&2
    exit 1
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

find_command() {
    local name
    for name in "$@"; do command -v "$name" && return; done
    return 1
}

install() {
    command -v apt-get >/dev/null || fail "$1 is missing; install it and run this again"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$1" >&2
}

# Installs a command unless it is there: its package, and its names.
need() {
    local package=$1
    shift
    find_command "$@" >/dev/null || install "$package"
}

find_browser() {
    need chromium chromium chromium-browser google-chrome
    browser=$(find_command chromium chromium-browser google-chrome)
}

# Sets `program`: the binary that is given, else the one that this builds.
find_program() {
    if [ $# -gt 0 ]; then
        program=$(realpath "$1")
    else
        cargo build --quiet --bin onelogin-sync
        program=$(realpath "${CARGO_TARGET_DIR:-target}/debug/onelogin-sync")
    fi
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

server_does() {
    local answer
    echo "$1" >&"$to_server"
    read -r answer <&"$from_server" || answer="no answer"
    [ "$answer" = done ] || { cat "$server_data/log" >&2; fail "Postgres: $1: $answer"; }
}

# A Postgres of its own on a port that is free now, with the first line of its pg_hba.conf if one is given.
start_postgres() {
    local as_server=()
    server_data=$(mktemp -d)
    if [ "$(id -u)" -eq 0 ]; then
        # Postgres refuses to run as root.
        as_server=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
        chown nobody:nogroup "$server_data"
    fi
    coproc server { "${as_server[@]}" sh tests/support/postgres.sh keep "$server_data"; }
    to_server=${server[1]} from_server=${server[0]}
    server_does create
    [ -z "${1:-}" ] || sed -i "1i $1" "$server_data/data/pg_hba.conf"
    export PGHOST=127.0.0.1 PGPORT PGUSER=postgres PGDATABASE=postgres
    PGPORT=$(free_port)
    server_does "start $PGPORT"
}

postgres_url() { echo "postgres://postgres@127.0.0.1:$PGPORT/${1:-postgres}"; }

# The history of the demo, up to now, for runs of `sync` from here on.
start_simulator() {
    "$program" simulate --port 0 --frozen --seed 7 --failures 1600 --successes 3200 --days 42 --page 500 \
        >"$work/simulator" &
    simulator=$!
    for _ in $(seq 100); do
        grep -q 'http://' "$work/simulator" && break
        sleep 0.1
    done
    ONELOGIN_BASE_URL=$(sed -n 's|.*\(http://[^,]*\),.*|\1|p' "$work/simulator")
    [ -n "$ONELOGIN_BASE_URL" ] || fail "the simulator did not start"
    export ONELOGIN_LOG_LEVEL=warn ONELOGIN_BASE_URL
    export ONELOGIN_CLIENT_ID=demo-client ONELOGIN_CLIENT_SECRET=demo-secret ONELOGIN_API_KEY=demo-key
}

stop_servers() {
    [ -z "${simulator:-}" ] || kill "$simulator"
    # The end of its input stops the server, which removes its folder.
    [ -z "${server_PID:-}" ] || { exec {to_server}>&-; wait "$server_PID" || true; }
}
