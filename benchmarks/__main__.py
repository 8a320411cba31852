"""Run every benchmark: `python -m benchmarks [name ...]`."""

from __future__ import annotations

import importlib
import sys

NAMES = ("stages", "orchestration")

if __name__ == "__main__":
    for name in sys.argv[1:] or NAMES:
        if name not in NAMES:
            sys.exit(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
        importlib.import_module(f"benchmarks.{name}").main()
