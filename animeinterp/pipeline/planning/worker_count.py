"""How many worker processes a session can use and has memory for."""

from __future__ import annotations

import os

import psutil

from animeinterp.configs.sections import Config, ExecutorSection, NetworkSection
from animeinterp.pipeline.planning.session import Session

MEMORY_PER_WORKER = 1.5e9  # bytes: networks, one 540p shard's arrays and the libraries themselves

# Peak of a worker with large frames, measured at 540x960 to 2160x3840, docs/performance.md: of GridNet and of
# methods that have no full network.
MEMORY_ANYWAY, MEMORY_PER_PIXEL, LIGHT_PER_PIXEL = 0.8e9, 720.0, 260.0
LEAST_BATCH, SHARDS_PER_WORKER, CLUSTER_BATCH = 32, 8, 1024


def memory_needed(config: Config, pixels: int) -> float:
    """Bytes that a worker takes for frames of so many pixels."""
    networks = [section for _, section in config if isinstance(section, NetworkSection)]
    is_full = any(section.chosen_method == section.network_method for section in networks)
    return MEMORY_ANYWAY + (MEMORY_PER_PIXEL if is_full else LIGHT_PER_PIXEL) * pixels


def number_of_workers(section: ExecutorSection, memory: float = MEMORY_PER_WORKER) -> int:
    """Processes that `local` starts where each takes that many bytes."""
    least = max(MEMORY_PER_WORKER, memory, section.memory_gb * 1e9)
    return section.workers or default_workers(least)


def fit_to_work(session: Session) -> ExecutorSection:
    """The executor section of a session, with `local` limited to the shards and memory there are."""
    section = session.config.executor
    if section.kind != "local":
        return section
    pixels = max(
        (frame.size[0] * frame.size[1] for frame in session.manifest.frames if frame.size), default=0
    )
    memory = memory_needed(session.config, pixels)
    shards = max(len(session.layout.wanted_groups(stage)) for stage in session.stages)
    return section.model_copy(update={"workers": max(1, min(number_of_workers(section, memory), shards))})


def shards_per_batch(section: ExecutorSection) -> int:
    """Shards of a batch that keep the workers busy: most of its time, none waits for the others at its end.

    How many workers a cluster will have is not known: they may join at any time.
    """
    if section.kind in ("inline", "local"):
        return max(LEAST_BATCH, SHARDS_PER_WORKER * section.workers)
    return CLUSTER_BATCH


def default_workers(memory: float = MEMORY_PER_WORKER) -> int:
    """One process per core, or fewer if memory, in bytes, does not suffice for each."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, int(psutil.virtual_memory().available // memory)))
