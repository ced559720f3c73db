#!/usr/bin/env bash
# Makes the Python environments of one peer, from PyPI, unless they are there.
#
#   install.sh FOLDER INTO
#
# The lists are complete, so pip resolves nothing.
# FOLDER/requirements.txt becomes INTO/<name of the folder>, FOLDER/requirements-X.txt becomes INTO/<name>-X.
set -euo pipefail

folder=$1
into=$2
mkdir -p "$into"

for wanted in "$folder"/requirements*.txt; do
    [ -e "$wanted" ] || continue
    name=$(basename "$folder")$(basename "$wanted" .txt | sed 's/^requirements//')
    venv=$into/$name
    # A copy of the installed requirements lies beside it, so that changed requirements install again.
    cmp -s "$wanted" "$venv/requirements.txt" && continue
    echo "installing $name" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$wanted"
    cp "$wanted" "$venv/requirements.txt"
done
