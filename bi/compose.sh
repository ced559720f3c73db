#!/usr/bin/env bash
# Compares docker-compose.yml with the schema of Compose, and what its services name with what is there. Docker's own
# `compose` reads the file too, where it is installed. No container is started.
#
# Needs Python 3.10 or later with venv, and PyPI. Takes the arguments of the other scripts, and needs none of them.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install check-jsonschema==0.39.0 PyYAML==6.0.3
"$work/venv/bin/check-jsonschema" --builtin-schema vendor.compose-spec docker-compose.yml

"$work/venv/bin/python" - <<'END'
import re
import sys
from pathlib import Path

import yaml

compose = yaml.safe_load(Path("docker-compose.yml").read_text(encoding="utf-8"))
services, faults = compose["services"], []


def started(*profiles):
    return {name for name, service in services.items() if set(service.get("profiles", profiles)) & set(profiles)}


for name, service in services.items():
    if "build" in service:
        context = Path(service["build"]["context"])
        lines = (context / "Dockerfile").read_text(encoding="utf-8").splitlines()
        # FROM, then the image or an earlier stage.
        bases = [line.split() for line in lines if line.startswith("FROM ")]
        stages = {base[3] for base in bases if len(base) > 3} | {"scratch"}
        images = [base[1] for base in bases if base[1] not in stages]
    else:
        images = [service["image"]]
    faults += [f"{name}: {image} has no version" for image in images if not re.search(r":\d+[.\d]*", image)]
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if not (Path(source).exists() if source.startswith(".") else source in compose["volumes"]):
            faults.append(f"{name}: no {source}")
    for needed in service.get("depends_on", {}):
        for profile in service.get("profiles", ["bi", "simulated"]):
            if needed not in started(profile):
                faults.append(f"{name}: {needed} does not start with the profile {profile}")
if started("bi") != {"postgres", "sync", "migrate", "prepare-bi", "superset"}:
    faults.append(f"the profile bi starts {sorted(started('bi'))}")
for fault in faults:
    print(f"docker-compose.yml: {fault}", file=sys.stderr)
print(f"{len(services)} services, {len(faults)} faults")
sys.exit(1 if faults else 0)
END

# Two spellings: the plugin, and the command of its own.
for compose in "docker compose" "docker-compose"; do
    if $compose version >/dev/null 2>&1; then
        $compose --profile bi --profile simulated config --quiet
        echo "$compose reads the file"
        exit
    fi
done
echo "no Docker Compose here; the schema has been compared"
