"""Writes the export as the zip that Superset imports, with another address of the database:

    python3 bi/superset/bundle.py 'postgresql+psycopg2://…' onelogin.zip      (needs PyYAML)

With the address as it is, `zip -r onelogin.zip onelogin` in this folder makes the same.
"""

import sys
import zipfile
from pathlib import Path

import yaml

EXPORT = Path(__file__).resolve().parent / "onelogin"
DATABASE = "databases/onelogin.yaml"


def bundle(uri, target):
    """Writes the zip to a path or a stream."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in EXPORT.rglob("*.yaml")):
            name = file.relative_to(EXPORT).as_posix()
            text = file.read_text(encoding="utf-8")
            if name == DATABASE:
                text = yaml.safe_dump({**yaml.safe_load(text), "sqlalchemy_uri": uri}, sort_keys=False)
            archive.writestr(f"{EXPORT.name}/{name}", text)


if __name__ == "__main__":
    bundle(sys.argv[1], sys.argv[2])
