#!/usr/bin/env bash
# Counts the instructions that a record takes, with callgrind: unlike times, they hardly change from run to
# run, so a regression shows on a noisy machine. Needs Rust and valgrind. README.md has the last figures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v valgrind >/dev/null || {
    echo "benches/instructions.sh: valgrind is missing; on Debian: apt-get install valgrind" >&2
    exit 69
}
# Names of functions are what callgrind goes by.
export CARGO_PROFILE_BENCH_STRIP=false CARGO_PROFILE_BENCH_DEBUG=line-tables-only
program=$(cargo bench --locked --bench micro --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*\/micro-[^"]*\)".*/\1/p')
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# Name of the bench, and of the function in it that does the work for 1,000 records.
while read -r bench function; do
    # One sample of one iteration. Without a warm-up each is done once.
    valgrind --tool=callgrind --callgrind-out-file="$out" --collect-atstart=no \
        --toggle-collect="micro::$function" "$program" --bench --exact "micro::$bench" \
        --sample-count 1 --sample-size 1 >/dev/null 2>&1
    sum=$(sed -n 's/^\(summary\|totals\): \([0-9]*\).*/\2/p' "$out" | head -n 1)
    [ "${sum:-0}" -gt 0 ] || {
        echo "benches/instructions.sh: $bench did not run $function; was either renamed?" >&2
        exit 70
    }
    printf '%-18s %7d instructions per record\n' "$bench" $((sum / 1000))
done <<EOF
split split_all
normalise_legacy normalise_all
normalise_events normalise_all
hash hash_all
EOF
