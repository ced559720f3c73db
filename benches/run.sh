#!/usr/bin/env bash
# Measures onelogin-sync, the databases' own loaders, and other tools; writes benches/RESULTS.md.
#
#   benches/run.sh            everything: about two hours, 25 GB of disk, the machine to itself
#   benches/run.sh --quick    small sizes, one round: some minutes
#   benches/run.sh --help     all options
#
# Needs Rust, Python 3.11 with venv, Postgres (server and psql), sqlite3, curl and jq; for the peers PyPI.
# ONELOGIN_SYNC_BIN=path/to/binary takes that one instead of building.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "benches/run.sh: $1" >&2
    exit 69
}

python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "Python 3.11 or later with venv is missing; on Debian: apt-get install python3 python3-venv"
# Not a shim, which would be one more process in everything that is measured.
python=$(python3 -c 'import sys; print(sys.executable)')

harness=("$python" -B benches/harness)
for argument in "$@"; do
    case $argument in
    -h | --help | --report | --report=*) exec "${harness[@]}" "$@" ;;
    esac
done

for tool in psql sqlite3 curl jq; do
    command -v "$tool" >/dev/null ||
        fail "$tool is missing; on Debian: apt-get install postgresql sqlite3 curl jq"
done
postgres=$(sh tests/support/postgres.sh find) ||
    fail "the Postgres server is missing; on Debian: apt-get install postgresql"

program=${ONELOGIN_SYNC_BIN-}
if [ -z "$program" ]; then
    cargo build --release --locked --bin onelogin-sync
    program=${CARGO_TARGET_DIR:-target}/release/onelogin-sync
fi
[ -x "$program" ] || fail "there is no program at $program"

exec "${harness[@]}" --program "$(realpath "$program")" --postgres "$postgres" "$@"
