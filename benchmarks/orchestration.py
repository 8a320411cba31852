"""What the pipeline adds to the stages: planning, reading, checking and writing, on tiny frames."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.measuring import Pair
from data.cartoon import write_dataset
from pipeline.runner import execute
from pipeline.selection import Selection

PAIRS = 256  # full shards


def main(_pairs: list[Pair]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_dataset(root / "cartoons", PAIRS, size=(32, 48))
        settings = [
            f"data.root='{root / 'cartoons'}'",
            f"store.cache='{root / 'cache'}'",
            "store.results=",
            "executor.kind=inline",
            "features.layers=['relu1_1']",
        ]
        quiet = Console(quiet=True)
        execute("paper", settings, Selection(limit=1), quiet)  # compiles and loads
        started = time.perf_counter()
        report = execute("paper", settings, Selection(), quiet)
        whole = time.perf_counter() - started
        inside = sum(
            record.seconds
            for stage in report.session.stages
            for _, record in report.session.records(stage)
            if record is not None
        )
        started = time.perf_counter()
        execute("paper", settings, Selection(), quiet)
        idle = time.perf_counter() - started
    print(f"{PAIRS} pairs of 32x48, all stages: {whole:.2f} s, of it {inside:.2f} s inside the stages")
    print(f"outside the stages: {(whole - inside) / PAIRS * 1000:.1f} ms a pair")
    print(f"run again with nothing to do: {idle:.2f} s")
