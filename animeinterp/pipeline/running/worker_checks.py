"""Checks that workers can take part in a run, and errors when they cannot or die."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from animeinterp.configs.errors import AnimeInterpError, CacheError
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.commits import sweep_unfinished, unfinished_folder

MARKER_PREFIX = ".workers-"


class WorkerDiedError(AnimeInterpError):
    """Worker processes died while they computed a job.

    Parameters
    ----------
    deaths
        How many.
    cause
        Known cause of the last death.
    elsewhere
        How many unrelated workers died meanwhile.
    """

    def __init__(self, deaths: int, cause: str, elsewhere: int = 0) -> None:
        super().__init__(deaths, cause, elsewhere)
        self.deaths, self.cause, self.elsewhere = deaths, cause, elsewhere

    def __str__(self) -> str:
        times = "once" if self.deaths == 1 else f"{self.deaths} times"
        return f"the worker process died {times}, {self.cause}"


class UnfitWorkerError(AnimeInterpError):
    """A worker cannot take part: it would write elsewhere, not find its input, or compute other results.

    Parameters
    ----------
    worker
        Its address.
    trouble
        What is wrong with it, and what to do.
    """

    def __init__(self, worker: str, trouble: str) -> None:
        super().__init__(worker, trouble)
        self.worker, self.trouble = worker, trouble

    def __str__(self) -> str:
        return f"worker {self.worker}: {self.trouble}"


@dataclass(frozen=True)
class Surroundings:
    """What every worker of a run must find; sent to the workers."""

    markers: Mapping[str, Path]
    """A folder within each folder that workers write to, by the setting that names it. It exists only during
    the run, so that copies of the folder do not have it."""
    reads: Mapping[str, Path]
    """A file or folder of the input, by setting."""
    versions: Mapping[str, str]

    @classmethod
    def of(cls, session: Session) -> Surroundings:
        """The surroundings of a session."""
        config = session.config
        writes = {"store.cache": config.store.cache, "store.results": config.store.results}
        markers = {
            setting: unfinished_folder(folder.absolute() / "run", MARKER_PREFIX)
            for setting, folder in writes.items()
            if folder is not None
        }
        frames = (frame.path for frame in session.manifest.frames)
        reads = {"data.root": next(filter(Path.is_file, frames), session.manifest.root)}
        imported = config.coarse_flow.imported_from
        if config.coarse_flow.method == "imported" and imported is not None:
            reads["coarse_flow.imported_from"] = imported.absolute()
        return cls(markers, reads, code_versions())

    def mark(self) -> None:
        """Write the markers; remove those of dead processes.

        Raises
        ------
        CacheError
            A folder cannot be written.
        """
        for setting, marker in self.markers.items():
            try:
                marker.mkdir(parents=True)
            except OSError as error:
                raise CacheError(
                    f"{setting} = {str(marker.parent)!r}: cannot be written ({error.strerror}); "
                    "name another folder, or make room"
                ) from None
            sweep_unfinished(marker.parent, MARKER_PREFIX)

    def unmark(self) -> None:
        """Remove the markers."""
        for marker in self.markers.values():
            shutil.rmtree(marker, ignore_errors=True)

    def trouble(self) -> str | None:
        """What this worker process lacks; None if it can take part."""
        machine = platform.node()
        for setting, marker in self.markers.items():
            if not marker.is_dir():
                found = "is another folder" if marker.parent.is_dir() else "does not exist"
                return (
                    f"{setting} = {str(marker.parent)!r} {found} on its machine ({machine}); workers "
                    "write their results themselves, so this must be one file system at the same path on "
                    "every machine"
                )
        for setting, path in self.reads.items():
            if not path.exists():
                return (
                    f"{setting}: {str(path)!r} does not exist on its machine ({machine}); workers read "
                    "their input themselves, so this must be there at the same path on every machine"
                )
        own = code_versions()
        for name, wanted in self.versions.items():
            if own.get(name) != wanted:
                return (
                    f"{name} is version {own.get(name)} on its machine ({machine}), but {wanted} here; "
                    "install the same animeinterp for the workers and restart them"
                )
        return None


def code_versions() -> dict[str, str]:
    """Versions of the program and of each stage under each method."""
    stages = {
        f"stage {name} {method}".rstrip(): str(found.version)
        for name, entry in STAGES.items()
        for method, found in entry.methods.items()
    }
    return {"animeinterp": version("animeinterp"), **stages}
