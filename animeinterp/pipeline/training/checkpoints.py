"""Checkpoints and the log of a training: written atomically; on resume the log is cut back."""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from animeinterp.configs.errors import CacheError, ConfigError
from animeinterp.configs.files import json_lines, replace_file
from animeinterp.pipeline.store.commits import sweep_unfinished

CHECKPOINT_VERSION = 1
CHECKPOINT, LOG, SETTINGS = "last.ckpt", "log.jsonl", "training.json"
PICTURES = "pictures"
"""Folder of pictures of held-out scenes, one file a validation, named by the step."""
BEST, LAST = "best.safetensors", "last.safetensors"
DIFFERENCES_SHOWN = 5


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically; it is on disk when this returns.

    Raises
    ------
    CacheError
        It cannot be written; an existing file is unchanged.
    """
    try:
        replace_file(path, content, flush=True)
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> CacheError:
    """The error for a file of a training that cannot be written."""
    try:
        free = f"; {shutil.disk_usage(path.parent).free / 1e9:.1f} GB free"
    except OSError:
        free = ""
    return CacheError(
        f"{path}: cannot be written ({error.strerror or error}{free}); earlier files are kept: make "
        "room, or make the folder writable, and run the same command again"
    )


def write_checkpoint(folder: Path, settings: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Replace the checkpoint in a folder.

    Parameters
    ----------
    folder
        Of the training.
    settings
        What a training that resumes from here must have in common with this one; JSON-like.
    state
        Tensors, numbers, text, and lists and dicts of these.

    Raises
    ------
    CacheError
        It cannot be written; the previous one is kept.
    """
    content = {"version": CHECKPOINT_VERSION, "settings": json.dumps(settings), "state": dict(state)}
    # In memory first: Torch's writer reports a full disk with an exception type of its own.
    memory = io.BytesIO()
    torch.save(content, memory)
    write_whole(folder / CHECKPOINT, memory.getvalue())


def read_checkpoint(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The state in a folder's checkpoint; None if there is none.

    Raises
    ------
    CacheError
        It is damaged or of another version.
    ConfigError
        It belongs to a training with other settings; the message names those that differ.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    remedy = "remove it to restart, or restore a copy"
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        version, stored, state = content["version"], json.loads(content["settings"]), content["state"]
    except OSError as error:
        raise CacheError(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions"
        ) from None
    # Damaged archives raise nearly anything, see `models.weights.tensors`.
    except Exception as error:  # noqa: BLE001
        raise CacheError(f"{path}: not a checkpoint, or damaged ({type(error).__name__}); {remedy}") from None
    if version != CHECKPOINT_VERSION:
        raise CacheError(f"{path}: version {version}, expected {CHECKPOINT_VERSION}; {remedy}")
    differing = differences(stored, settings)
    if differing:
        listed = "; ".join(differing[:DIFFERENCES_SHOWN])
        raise ConfigError(
            f"{path}: belongs to a training with other settings ({listed}); restore them, or start "
            "another training in a folder of its own, from these weights with training.weights"
        )
    restored: dict[str, Any] = state
    return restored


def differences(stored: Any, wanted: Any, name: str = "") -> list[str]:
    """Every difference of two nested groups of settings."""
    if isinstance(stored, Mapping) and isinstance(wanted, Mapping):
        return [
            difference
            for key in sorted({*stored, *wanted})
            for difference in differences(
                stored.get(key, "nothing"), wanted.get(key, "nothing"), f"{name}.{key}" if name else str(key)
            )
        ]
    return [] if stored == wanted else [f"{name} was {stored!r} and is {wanted!r}"]


@contextmanager
def own_folder(folder: Path) -> Iterator[None]:
    """Make a folder and lock it against other trainings.

    Raises
    ------
    CacheError
        It cannot be made, or another process trains there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise cannot_write(folder, error) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CacheError(
                f"{folder}: another process is training there; wait until it ends, or stop it"
            ) from None
        except OSError:
            pass  # a file system without locks
        sweep_unfinished(folder)
        yield
    finally:
        os.close(descriptor)


class Log:
    """`log.jsonl`: a line of JSON for every few steps, and for every validation."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG

    def add(self, entry: Mapping[str, Any]) -> None:
        """Append a line.

        Raises
        ------
        CacheError
            It cannot be written.
        """
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise cannot_write(self._path, error) from None

    def entries(self) -> list[dict[str, Any]]:
        """All complete lines."""
        return json_lines(self._path)

    def cut(self, step: int) -> None:
        """Drop entries after a step: a training that resumes there logs them again."""
        kept = [entry for entry in self.entries() if entry.get("step", 0) <= step]
        if kept or self._path.exists():
            write_whole(self._path, "".join(json.dumps(entry) + "\n" for entry in kept).encode())
