#!/usr/bin/env bash
# Tries the simulator with a client that others wrote: the package `onelogin` from PyPI.
#
#   tests/peers/events.sh                 builds the program first
#   tests/peers/events.sh path/to/binary  takes this one
#
# Needs Python 3.9 or later with venv, and PyPI. Removes all it made.
set -euo pipefail

# The newest that works; a client that changes is a reason to look, not to fail some morning.
client='onelogin==4.0.1'
# Seconds: longer than a start takes, shorter than anybody waits.
patience=10

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ $# -gt 0 ]; then
    program=$1
else
    cargo build --quiet --bin onelogin-sync
    program=${CARGO_TARGET_DIR:-target}/debug/onelogin-sync
fi

work=$(mktemp -d)
simulator=
stop() {
    if [ -n "$simulator" ]; then
        kill "$simulator" 2>/dev/null || true
        wait "$simulator" 2>/dev/null || true
        simulator=
    fi
}
trap 'stop; rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "$client"

for cursor in keyset page-number; do
    rm -f "$work/printed"
    mkfifo "$work/printed"
    "$program" simulate --port 0 --frozen --now 2026-03-20T12:00:00Z --history flat --failures 230 \
        --cursor "$cursor" >"$work/printed" &
    simulator=$!
    if ! read -r -t "$patience" line <"$work/printed"; then
        echo "events.sh: the simulator did not print its address" >&2
        exit 1
    fi
    url=$(sed 's|.*\(http://[^,]*\),.*|\1|' <<<"$line")
    echo "$client, cursor $cursor:"
    "$work/venv/bin/python" tests/peers/events.py "$url"
    stop
done
