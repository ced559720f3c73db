#!/usr/bin/env bash
# Reads a synced SQLite file with the tools of others, and compares what they find with what was loaded: pandas,
# DuckDB's SQLite scanner, sqlite-utils, SQLAlchemy, and the expressions of Apache Superset.
#
#   tests/peers/readers.sh                 builds the program first
#   tests/peers/readers.sh path/to/binary  takes this one
#
# Needs Python 3.11 or later with venv, and PyPI (150 MB). Removes all it made.
set -euo pipefail

# The newest that work together. The scanner is made for one version of DuckDB.
packages=(
    pandas==3.1.1
    sqlalchemy==2.0.51
    sqlite-utils==4.2.1
    duckdb==1.5.5
    duckdb-extension-sqlite-scanner==1.5.5
)
# Only its file of expressions is read, so it is not installed.
superset='apache-superset==6.1.0'

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ $# -gt 0 ]; then
    program=$(realpath "$1")
else
    cargo build --quiet --bin onelogin-sync
    program=${CARGO_TARGET_DIR:-$PWD/target}/debug/onelogin-sync
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
pip=("$work/venv/bin/pip" --quiet --disable-pip-version-check)
"${pip[@]}" install "${packages[@]}"
"${pip[@]}" download --no-deps --dest "$work" "$superset"

"$work/venv/bin/python" tests/peers/readers.py "$program" "$work"/apache_superset-*.whl "$work"
