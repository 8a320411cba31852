"""What orchestrating a dataset of N pairs costs; draws docs/pictures/scale.png.

`python -m benchmarks scale` takes the sizes of PAIRS, `python -m benchmarks.scale 30000 100000` others. Every
step is a process of its own, so that its peak of memory is its own.

The stages are stood in for: a shard gets the files of a real one, a manifest of its own with made-up digests
and, for the evaluation, scores that can be read. All else is the command as users run it: reading,
planning, Luigi, jobs, taking note of commits, results, summary.
`python -m benchmarks.scale --compute 12000` computes everything, on workers, and writes the frames too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from matplotlib.figure import Figure

from animeinterp.configs.loading import load_config
from animeinterp.data.dataset_search import SPLIT_FOLDERS
from animeinterp.data.file_facts import FileFacts
from animeinterp.data.layouts import read_dataset
from animeinterp.pipeline.cli.app import main as run_command
from animeinterp.pipeline.compute.shard_jobs import ShardJob, ShardOutcome
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.verdicts import plan
from animeinterp.pipeline.running import run as run_module
from animeinterp.pipeline.running.dask_cluster import DaskExecutor
from animeinterp.pipeline.store.array_specs import ARRAY_SPECS
from animeinterp.pipeline.store.fingerprints import canonical_digest
from animeinterp.pipeline.store.shard_manifest import ItemRecord, ShardManifest, read_manifest, write_manifest
from animeinterp.pipeline.store.shards import array_digest, write_shard
from animeinterp.stages.metrics import METRICS
from benchmarks.measuring import Pair

PAIRS = (1_000, 3_000, 12_000)
SIDE = 16  # px
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "scale.png"
PRESET = "paper"

Figures = dict[str, float]


def write_tiny_dataset(root: Path, pairs: int) -> None:
    """Triplets of distinct frames of four colours, in ATD-12K's layout."""
    numbers = np.random.default_rng(0)
    for number in range(pairs):
        folder = root / SPLIT_FOLDERS["test"] / f"Japan_tiny_{number:06d}"
        folder.mkdir(parents=True)
        colours = numbers.integers(0, 256, (4, 3), np.uint8)
        for k in (1, 2, 3):
            row, column = numbers.integers(4, SIDE - 3, 2)
            frame = np.empty((SIDE, SIDE, 3), np.uint8)
            frame[:row, :column], frame[:row, column:] = colours[:2]
            frame[row:, :column], frame[row:, column:] = colours[2:]
            (folder / f"frame{k}.png").write_bytes(cv2.imencode(".png", frame)[1])


def settings(root: Path, *more: str) -> list[str]:
    """Settings of a run on the dataset in `root`."""
    return [
        f"data.root='{root / 'frames'}'",
        f"store.cache='{root / 'cache'}'",
        "features.layers=['relu1_1']",
        *more,
    ]


class StandIn:
    """An executor that writes shards with the files of real ones instead of computing them."""

    dashboard: str | None = None
    lost: None = None

    def __init__(self, real: Path) -> None:
        self.seconds, self.processor = 0.0, 0.0
        """Spent in here."""
        self._scoring = Lock()
        self._real = {path.parents[1].name: path for path in real.glob("*/*/*.zarr")}

    def map(
        self, _: object, jobs: Sequence[ShardJob], _stage: str
    ) -> Generator[tuple[ShardJob, ShardOutcome], None, None]:
        for job in jobs:
            started = time.perf_counter(), time.process_time()
            outcome = self.write(job)
            self.seconds += time.perf_counter() - started[0]
            self.processor += time.process_time() - started[1]
            yield job, outcome

    def close(self) -> None:
        pass

    def write(self, job: ShardJob) -> ShardOutcome:
        count = len(job.items)
        real = self._scored(job, count) if job.stage == "evaluation" else self._real[job.stage]
        manifest = read_manifest(real)
        if manifest is None:
            raise FileNotFoundError(real)
        records = []
        for row, item in enumerate(job.items):
            made_up = {v.name: canonical_digest([v.name, item.input]) for v in ARRAY_SPECS[job.stage]}
            output = manifest.items[row].output if job.stage == "evaluation" else made_up
            records.append(ItemRecord(item.id, "ok", item.input, dict(item.inputs), output, seconds=0.1))
        # Links are as good as copies here: nothing writes into a committed shard.
        shutil.copytree(real, job.path, copy_function=os.link, ignore=shutil.ignore_patterns("manifest.json"))
        write_manifest(
            job.path,
            replace(manifest, fingerprint=job.fingerprint, shard=job.shard, items=tuple(records)),
        )
        return ShardOutcome(job.stage, job.shard, count, 0, {"ok": count}, (), 1.0, manifest.size)

    def _scored(self, job: ShardJob, count: int) -> Path:
        """A shard with scores of so many items."""
        path = self._real[job.stage].with_name(f"{count}.zarr")
        with self._scoring:
            if path.exists():
                return path
            scores = [np.full(len(METRICS), float(row)) for row in range(count)]
            records = [
                ItemRecord(str(row), "ok", output={"scores": array_digest(values)})
                for row, values in enumerate(scores)
            ]
            manifest = ShardManifest(job.stage, job.fingerprint, path.stem, tuple(records), 1.0, 0, {})
            write_shard(path, manifest, [{"scores": values} for values in scores])
        return path


def read(root: Path) -> None:
    """Read and digest the dataset's files, none of them known."""
    facts = FileFacts(root / "cache" / "source_files.json")
    read_dataset(load_config(PRESET, settings(root)).data, facts)
    facts.save()


def plan_all(root: Path) -> None:
    """Say what a run would do, the files known and nothing done."""
    plan(Session.open(load_config(PRESET, settings(root))))


def run_all(root: Path) -> Figures:
    """Run everything, without the seconds of what stands in for the stages."""
    stand_in = StandIn(root / "real")
    with patch.object(run_module, "open_executor", lambda *_: stand_in):
        command(settings(root))
    return {"seconds": -stand_in.seconds, "processor": -stand_in.processor}


def run_again(root: Path) -> None:
    """Run once more, with nothing to do."""
    command(settings(root))


def compute_all(root: Path) -> Figures:
    """Compute everything on workers and write the frames; `waiting` is for them."""
    waiting = 0.0
    real = DaskExecutor.map

    def timed(self: DaskExecutor, *arguments: Any) -> Iterator[Any]:
        nonlocal waiting
        outcomes = real(self, *arguments)
        while True:
            started = time.perf_counter()
            outcome = next(outcomes, None)
            waiting += time.perf_counter() - started
            if outcome is None:
                return
            yield outcome

    with patch.object(DaskExecutor, "map", timed):
        command(settings(root, f"store.results='{root / 'results'}'"))
    return {"waiting": waiting}


def compute_again(root: Path) -> None:
    """Run once more, with nothing to compute and no frame to write."""
    command(settings(root, f"store.results='{root / 'results'}'"))


def command(chosen: Sequence[str], *more: str) -> None:
    """Run `animeinterp run` in this process."""
    options = [part for setting in chosen for part in ("--set", setting)]
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
        patch.object(sys, "argv", ["animeinterp", "run", PRESET, *options, *more]),
    ):
        try:
            run_command()
        except SystemExit as end:
            if end.code:
                raise RuntimeError(f"the run ended with exit code {end.code}") from None


Step = Callable[[Path], Figures | None]

STEPS: dict[str, Step] = {"read": read, "plan": plan_all, "run": run_all, "again": run_again}
COMPUTED: dict[str, Step] = {"compute": compute_all, "compute again": compute_again}


def measured(step: Step, root: Path) -> Figures:
    """Seconds, seconds of a processor and peak memory (MB) of a step in this process."""
    started = time.perf_counter(), time.process_time()
    found = step(root) or {}
    seconds, processor = time.perf_counter() - started[0], time.process_time() - started[1]
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))
    return {
        **found,
        "seconds": seconds + found.get("seconds", 0),
        "processor": processor + found.get("processor", 0),
        "MB": peak,
    }


def in_a_process(step: str, root: Path) -> Figures:
    """The same in a process of its own, with the seconds of the whole process."""
    started = time.perf_counter()
    arguments = [sys.executable, "-m", "benchmarks.scale", "--step", step, "--folder", str(root)]
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    return {**json.loads(done.stdout.splitlines()[-1]), "process": time.perf_counter() - started}


def measure(pairs: int, steps: Sequence[str], folder: Path | None = None) -> dict[str, Figures]:
    """Every step on a dataset of so many pairs."""
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(dir=folder) as made:
        root = Path(made)
        write_tiny_dataset(root / "frames", pairs)
        if "run" in steps:
            elsewhere = (f"store.cache='{root / 'real'}'", "executor.kind=inline")
            command(settings(root, *elsewhere), "--limit", "1")
        (root / "cache").mkdir()
        for name in steps:
            found[name] = in_a_process(name, root)
            figures = (f"{key} {value:,.1f}" for key, value in found[name].items())
            print(f"{pairs:7,} {name:13}", *figures, flush=True)
    return found


def draw(found: dict[int, dict[str, Figures]]) -> None:
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    panels = figure.subplots(1, 2)
    for panel, kind, label in zip(
        panels, ("processor", "MB"), ("seconds of a core", "MB, peak"), strict=True
    ):
        for name in STEPS:
            panel.loglog(list(found), [steps[name][kind] for steps in found.values()], marker="o", label=name)
        panel.set(xlabel="pairs", ylabel=label)
        panel.grid(visible=True, which="major", alpha=0.4)
    panels[0].legend()
    figure.savefig(PICTURE, dpi=90)


def main(_pairs: list[Pair], counts: Sequence[int] = PAIRS) -> None:
    draw({pairs: measure(pairs, list(STEPS)) for pairs in counts})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("counts", nargs="*", type=int, default=PAIRS, metavar="PAIRS")
    parser.add_argument("--compute", action="store_true", help="compute the stages too; draw nothing")
    parser.add_argument("--step", choices=[*STEPS, *COMPUTED], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="where temporary files go")
    chosen = parser.parse_args()
    if chosen.step:
        print(json.dumps(measured({**STEPS, **COMPUTED}[chosen.step], chosen.folder)))
    elif chosen.compute:
        for count in chosen.counts:
            measure(count, list(COMPUTED), chosen.folder)
    else:
        main([], chosen.counts)
