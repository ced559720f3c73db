"""Starts target-sqlite, which was written for Pythons that had these names elsewhere."""

import collections
import collections.abc
import sys

for name in ("Mapping", "MutableMapping", "MutableSequence", "MutableSet", "Sequence", "Iterable"):
    setattr(collections, name, getattr(collections.abc, name))

from target_sqlite import main  # noqa: E402  the names must be there before

sys.exit(main())
