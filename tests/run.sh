#!/usr/bin/env bash
# Runs all tests. Installs Postgres and PgBouncer first where they are missing.
#
#   tests/run.sh                  everything; ends with the summary of the stories
#   tests/run.sh resume           the tests with `resume` in their names
#   tests/run.sh --test main ...  any other arguments of `cargo test`
#
# Works as root and as a user, on Linux and macOS, from any directory.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

print_line() { echo "tests/run.sh: $*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Ends the script if this user cannot install a package.
need_root_for() {
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        print_line "$1 is missing, and without sudo this user cannot install it"
        print_line "run \`apt-get install $1\` as root, then run this again"
        exit 1
    fi
}

install_with_apt() {
    # The tests start a server of their own, so the package must not start one for good.
    local no_cluster=/etc/postgresql-common/createcluster.d/no-cluster.conf
    as_root apt-get update -qq
    as_root mkdir -p "$(dirname "$no_cluster")"
    echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends postgresql
    as_root rm "$no_cluster"
}

if ! command -v cargo >/dev/null; then
    print_line "cargo is missing; get Rust from https://rustup.rs, open a new shell and run this again"
    exit 1
fi

if ! command -v cc >/dev/null; then
    print_line "a C compiler is missing; get one (apt-get install gcc libc6-dev, or xcode-select --install)"
    print_line "and run this again"
    exit 1
fi

if ! sh tests/support/postgres.sh find >/dev/null; then
    if command -v apt-get >/dev/null; then
        need_root_for postgresql
        print_line "no Postgres server found, installing it with apt-get"
        install_with_apt
    elif command -v brew >/dev/null; then
        print_line "no Postgres server found, installing it with brew"
        brew install postgresql@17
    else
        print_line "no Postgres server found; install one (initdb, pg_ctl and postgres) and run this again"
        exit 1
    fi
fi

if ! PATH="$PATH:/usr/sbin" command -v pgbouncer >/dev/null; then
    print_line "no PgBouncer found, installing it"
    if command -v apt-get >/dev/null; then
        need_root_for pgbouncer
        as_root apt-get update -qq
        # Runlevel 1: the package must not start one for good.
        as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
            apt-get install -qq -y --no-install-recommends pgbouncer
    elif command -v brew >/dev/null; then
        brew install pgbouncer
    else
        print_line "install PgBouncer and run this again"
        exit 1
    fi
fi

if [ $# -gt 0 ]; then
    exec cargo test --locked "$@"
fi
# The examples in the documentation first, since cargo would run them last and end with their summary.
cargo test --locked --workspace --doc
exec cargo test --locked --workspace --lib --bins --test main
