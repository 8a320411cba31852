"""Writes the record of a run, which `store/run_records.py` reads."""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from animeinterp.configs.files import replace_file
from animeinterp.pipeline.compute.shard_jobs import ShardOutcome
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.csv_tables import as_csv
from animeinterp.pipeline.store.run_records import (
    EXIT_CODES,
    FAILURES_NAME,
    HEARTBEAT,
    INFO_NAME,
    LOG_NAME,
    RUNS_FOLDER,
    RunInfo,
    RunState,
)
from animeinterp.pipeline.store.versions import library_versions

logger = logging.getLogger(__name__)


class RunRecord:
    """Writes the record folder of an active run; `begin` makes one.

    Notes
    -----
    A run does not end because its record cannot be written, as on a full disk: that is logged, once.
    """

    def __init__(self, folder: Path, info: RunInfo) -> None:
        self.folder, self.info = folder, info
        self._stages: dict[str, Counter[str]] = {}
        self._planned = self._complained = False
        self._ended = threading.Event()
        self._pulse = threading.Thread(target=self._beat, name="run-heartbeat", daemon=True)

    @classmethod
    def begin(cls, session: Session, totals: Mapping[str, int] | None = None) -> RunRecord:
        """Make the folder of a run; `totals` are the items to compute by stage, if that is known already."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"
        info = RunInfo(
            name,
            "running",
            now.isoformat(timespec="milliseconds"),
            platform.node(),
            os.getpid(),
            psutil.Process().create_time(),
            list(sys.argv),
            session.config.model_dump(mode="json"),
            {
                key: sorted(v) if isinstance(v, frozenset) else v
                for key, v in asdict(session.selection).items()
            },
            dict(session.fingerprints),
            dict(library_versions()),
            _machine(session.config.executor.device),
        )
        record = cls(session.config.store.cache.absolute() / RUNS_FOLDER / name, info)
        record._write(lambda: record.folder.mkdir(parents=True, exist_ok=True))
        record._save()
        if totals is not None:
            record.planned(totals)
        record._pulse.start()
        return record

    @property
    def ended(self) -> bool:
        """Whether it has been closed."""
        return self._ended.is_set()

    def planned(self, totals: Mapping[str, int]) -> None:
        """Record how many items are planned, by stage; later plans concern repairs."""
        if not self._planned:
            self.event("begin", totals=dict(totals))
        self._planned = True

    def event(self, kind: str, **details: Any) -> None:
        """Add a line to the log."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": kind, **details}, ensure_ascii=False) + "\n"

        def append() -> None:
            with (self.folder / LOG_NAME).open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(line)

        self._write(append)

    def shard(self, outcome: ShardOutcome) -> None:
        """Record a committed shard."""
        numbers = {
            "computed": outcome.computed,
            "failed": len(outcome.failures),
            "skipped": outcome.skipped,
            "seconds": round(outcome.seconds, 3),
            "bytes": outcome.size,
        }
        counts = self._stages.setdefault(outcome.stage, Counter())
        counts.update(numbers)
        counts["peak_memory"] = max(counts["peak_memory"], outcome.peak_memory)
        self.event(
            "shard", stage=outcome.stage, shard=outcome.shard, **numbers, peak_memory=outcome.peak_memory
        )

    def end(self, state: RunState, failures: Sequence[tuple[str, str, str]], why: str = "") -> None:
        """Close the record.

        Parameters
        ----------
        state
            How the run ended.
        failures
            Stage, item and reason of every failed item.
        why
            What ended it early.
        """
        self._ended.set()
        exit_code = EXIT_CODES[state]
        self.event("end", state=state, exit_code=exit_code, failures=len(failures), why=why)
        columns = ("computed", "failed", "skipped", "seconds", "bytes", "peak_memory")
        stages = ([stage, *(counts[name] for name in columns)] for stage, counts in self._stages.items())
        self._write(lambda: _write_table(self.folder / "stages.csv", ("stage", *columns), stages))
        self._write(lambda: _write_table(self.folder / FAILURES_NAME, ("stage", "item", "reason"), failures))
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.info = replace(self.info, state=state, exit_code=exit_code, ended=now)
        self._save()

    def _save(self) -> None:
        content = json.dumps(asdict(self.info), indent=1, default=str).encode()
        self._write(lambda: replace_file(self.folder / INFO_NAME, content))

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            self._write(lambda: os.utime(self.folder / INFO_NAME))

    def _write(self, write: Any) -> None:
        try:
            write()
        except OSError as error:
            if not self._complained:
                logger.warning("%s: the run's record cannot be written (%s)", self.folder, error)
            self._complained = True


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    replace_file(path, as_csv(pd.DataFrame(list(rows), columns=list(header))))


def _machine(device: str) -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "gpus": _gpus() if device == "cuda" else [],
    }


def _gpus() -> list[str]:
    import torch  # late: a run on CPUs needs none of it in its own process

    return [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
