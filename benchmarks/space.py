"""What the cache takes a pair, by stage, and the seconds of writing and reading it."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from pathlib import Path

import torch
from rich.console import Console

from animeinterp.data.cartoon import draw_triplet
from animeinterp.data.images import write_image
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.running.execute import execute
from animeinterp.pipeline.store.shard_manifest import read_manifest
from animeinterp.pipeline.store.shards import read_item, write_shard
from benchmarks.measuring import Pair
from benchmarks.networks import random_network
from benchmarks.whole_runs import VGG19

DRAWN = 6
NETWORKS = ("refinement", "synthesis")
RELEASED = "released"  # with random networks
VARIANTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (RELEASED, (VGG19,)),
    (RELEASED, (VGG19, "refinement.fraction_bits=10")),
    ("default", ()),
)


def main(pairs: list[Pair]) -> None:
    drawn = []
    for seed in range(DRAWN):
        triplet = draw_triplet(seed, style="Japan" if seed % 2 == 0 else "Disney")
        drawn.append(Pair(f"drawn {seed}", triplet.frame0, triplet.frame1))
    print("MB a pair, seconds of a core for writing it, and for reading it")
    for pair in pairs[1:]:
        _print([pair], pair.name)
    _print(drawn, f"{DRAWN} drawn pairs")


def _print(pairs: list[Pair], name: str) -> None:
    print(f"{name}, {pairs[0].size}")
    for preset, more in VARIANTS:
        with tempfile.TemporaryDirectory() as folder:
            session = _compute(pairs, Path(folder), preset, more)
            stages = {stage: _cost(session, stage) for stage in session.stages}
        total = sum(size for size, _, _ in stages.values())
        print(f"  {' '.join((preset, *more))}: {total / len(pairs) / 1e6:.2f} MB")
        for stage, (size, writing, reading) in stages.items():
            print(
                f"    {stage:14} {size / len(pairs) / 1e6:6.3f} MB  {writing / len(pairs):6.3f} s"
                f"  {reading / len(pairs):6.3f} s"
            )


def _compute(pairs: list[Pair], root: Path, preset: str, more: tuple[str, ...]) -> Session:
    for number, pair in enumerate(pairs):
        for k, frame in enumerate((pair.frame0, pair.frame1)):
            write_image(root / "frames" / f"{number}" / f"frame{k}.png", frame)
    settings = [
        f"data.root='{root / 'frames'}'",
        "data.layout='folders'",
        f"store.cache='{root / 'cache'}'",
        "store.least_shards=1",
        "executor.kind=inline",
        *more,
    ]
    for stage in NETWORKS if preset == RELEASED else ():
        torch.save(random_network(stage).state_dict(), root / f"{stage}.pth")
        settings.append(f"{stage}.weights='{root / stage}.pth'")
    report = execute(preset, settings, Selection(), Console(quiet=True))
    if not report.succeeded:
        raise RuntimeError(f"the run has failed: {report.session.failures()}")
    return report.session


def _cost(session: Session, stage: str) -> tuple[int, float, float]:
    """Bytes of a stage, and seconds of a core for writing and reading all of it once."""
    size, seconds = 0, defaultdict[str, float](float)
    for path in session.folder(stage).glob("*.zarr"):
        manifest = read_manifest(path)
        if manifest is None:
            raise RuntimeError(f"{path}: has no manifest")
        size += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        started = time.process_time()
        items = [
            read_item(path, manifest, row) if record.status == "ok" else None
            for row, record in enumerate(manifest.items)
        ]
        seconds["reading"] += time.process_time() - started
        started = time.process_time()
        write_shard(path.with_name(f"{path.stem}-again.zarr"), manifest, items)
        seconds["writing"] += time.process_time() - started
    return size, seconds["writing"], seconds["reading"]
