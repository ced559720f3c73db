#!/usr/bin/env bash
# Runs every part of bi/ for real, one after another: each script begins with what it needs.
#
#   bi/test.sh                   builds the program first
#   bi/test.sh path/to/binary    takes this one
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ $# -gt 0 ]; then
    program=$(realpath "$1")
else
    cargo build --quiet --bin onelogin-sync
    program=$(realpath "${CARGO_TARGET_DIR:-target}/debug/onelogin-sync")
fi

failed=()
for script in bi/*.sh; do
    [ "$script" = bi/test.sh ] && continue
    echo "== $script"
    "$script" "$program" || failed+=("$script")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "bi/test.sh: failed: ${failed[*]}" >&2
    exit 1
fi
