"""Runs on a few small cartoons: settings, results, and the types of the fixtures that run them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.running.run import RunReport

SIZE = (72, 128)
PAIRS = 4
SMALL_NETWORK = "features.layers=['relu1_1', 'relu2_1']"  # the test is not about VGG-19

Runner = Callable[..., RunReport]
Opener = Callable[..., Session]
Command = Callable[..., tuple[int, str]]


def small_settings(root: Path, cache: Path) -> list[str]:
    """Settings of a quick run."""
    return [
        f"data.root='{root}'",
        f"store.cache='{cache}'",
        "store.results=",
        "store.pairs_per_shard=2",
        "store.least_shards=1",
        "executor.kind=inline",
        SMALL_NETWORK,
    ]


def set_options(settings: Sequence[str]) -> list[str]:
    """Settings as command line options."""
    return [part for setting in settings for part in ("--set", setting)]


def digests(session: Session) -> dict[str, list[object]]:
    """Digests of every item's results, by stage."""
    return {stage: [record and record.output for _, record in session.records(stage)] for stage in STAGES}


def times_of_files(results: Path) -> dict[Path, int]:
    """When the frames in a results folder were written."""
    return {path: path.stat().st_mtime_ns for path in results.glob("*/*.png")}
