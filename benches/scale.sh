#!/usr/bin/env bash
# Measures many accounts in one database, what a frozen run does to the next one, and the everyday run. Prints what it
# finds.
#
#   benches/scale.sh accounts   200 accounts of 10,000 failures, and 120 runs at once; 12 GB of disk
#   benches/scale.sh frozen     runs stopped by SIGSTOP, until the next run succeeds; half an hour of waiting
#   benches/scale.sh everyday   nothing new and 1,000 new, into a table of a million or of as many as are given
#
# Needs what benches/run.sh needs. ONELOGIN_SYNC_BIN=path/to/binary takes that one instead of building, WORK=folder
# is the place of the databases.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case ${1-} in
accounts | frozen | everyday) ;;
*)
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    exit 64
    ;;
esac

postgres=$(sh tests/support/postgres.sh find) || {
    echo "benches/scale.sh: the Postgres server is missing; on Debian: apt-get install postgresql" >&2
    exit 69
}
program=${ONELOGIN_SYNC_BIN-}
if [ -z "$program" ]; then
    cargo build --release --locked --bin onelogin-sync
    program=${CARGO_TARGET_DIR:-target}/release/onelogin-sync
fi

exec python3 -B "benches/harness/$1.py" "$(realpath "$program")" "$postgres" "${@:2}"
