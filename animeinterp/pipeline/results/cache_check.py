"""Check a whole cache: read every shard and the files beside them, and compare with what was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from animeinterp.pipeline.results.cache_contents import left_over
from animeinterp.pipeline.store.commits import unfinished_in
from animeinterp.pipeline.store.stage_descriptions import description_trouble
from animeinterp.pipeline.store.verification import ShardState, verify_and_note
from animeinterp.pipeline.store.written_results import WrittenResults


@dataclass
class CheckReport:
    """The result of a check."""

    shards: int = 0
    """Shards read."""
    size: int = 0
    """Bytes read."""
    damaged: dict[Path, ShardState] = field(default_factory=dict)
    """Damaged shards."""
    descriptions: list[str] = field(default_factory=list)
    """Problems of `stage.json` files."""
    results: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with files in the results folder, by path in it."""
    left_over: list[Path] = field(default_factory=list)
    """Leftover files of dead writers."""

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged; leftover files are not damage."""
        return not self.damaged and not self.descriptions and not self.results


def shards_in(folders: Sequence[Path]) -> list[Path]:
    """Every shard under these fingerprints, whole or not."""
    return [path for folder in folders for path in sorted(folder.glob("*.zarr"))]


def check_shards(paths: Sequence[Path], report: CheckReport) -> Iterator[Path]:
    """Read shards, several at once; yields each when it is done, with what was found in the report.

    Notes
    -----
    Threads do it: reading files and decompressing them leave Python alone.
    """
    with ThreadPoolExecutor() as pool:
        shard_of = {pool.submit(verify_and_note, path): path for path in paths}
        try:
            for future in as_completed(shard_of):
                path, state = shard_of[future], future.result()
                report.shards += 1
                report.size += state.size
                if not state.sound:
                    report.damaged[path] = state
                yield path
        finally:
            pool.shutdown(wait=True, cancel_futures=True)  # Ctrl-C, say


def check_surroundings(folders: Sequence[Path], report: CheckReport) -> None:
    """Check the files beside the shards: descriptions, and leftover files of dead writers."""
    for folder in folders:
        trouble = description_trouble(folder)
        if trouble:
            report.descriptions.append(trouble)
        report.left_over.extend(path for path in unfinished_in(folder) if left_over(path))
    for stage in sorted({folder.parent for folder in folders}):
        report.left_over.extend(path for path in unfinished_in(stage) if left_over(path))


def check_results(written: WrittenResults) -> dict[str, str]:
    """Read all files that runs have written to a results folder; return what is wrong, by path in it.

    What is damaged is taken out of the folder's index, where that can be written, so that the next run
    writes it again.
    """
    damaged = {}
    for name in written.names:
        why = written.trouble(name, contents=True)
        if why:
            damaged[name] = why
    for name in damaged:
        written.forget(name)
    if damaged:
        with suppress(OSError):
            written.save()
    return damaged
