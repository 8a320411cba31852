"""The manifest of a shard, with its items and files, and the record of damage found later.

A manifest holds its own digest, and the length and CRC-32C of each file beside it. So no change in a shard
goes unnoticed, and missing or truncated files are detected without reading any.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import google_crc32c

from animeinterp.configs.files import replace_file
from animeinterp.pipeline.store.fingerprints import DIGEST_LENGTH, canonical_digest

MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 2
DAMAGE_NAME = "damaged.json"

ItemStatus = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """The record of one item in a shard's manifest."""

    id: str
    status: ItemStatus
    """`failed`: the item's own fault; `skipped`: nothing to do, or what it needs has failed."""
    input: str = ""
    """Digest of everything the item was computed from, except what the fingerprint covers."""
    inputs: dict[str, str] = field(default_factory=dict)
    """The parts of that digest, by name, so that a later run can report which of them has changed."""
    output: dict[str, str] = field(default_factory=dict)
    """Digest of each array of an item that is ok."""
    reason: str = ""
    """Why it failed or was skipped."""
    seconds: float = 0.0
    """Time spent computing it."""

    @property
    def output_digest(self) -> str:
        """One digest of all arrays; part of the input digest of stages that read this item."""
        return canonical_digest(self.output)


@dataclass(frozen=True, slots=True)
class FileState:
    """Length and checksum of a file when it was written."""

    length: int
    """Bytes."""
    crc32c: int


@dataclass(frozen=True, slots=True)
class ShardManifest:
    """The content of a committed shard."""

    stage: str
    fingerprint: str
    shard: str
    items: tuple[ItemRecord, ...]
    seconds: float
    """From the first read to the commit."""
    peak_memory: int
    """Largest resident size of the worker so far, bytes."""
    versions: dict[str, str]
    files: dict[str, FileState] = field(default_factory=dict)
    """Every other file of the shard, by its path in it."""

    def row(self, item_id: str) -> int | None:
        """Position of an item, or None."""
        return next((row for row, item in enumerate(self.items) if item.id == item_id), None)

    @property
    def size(self) -> int:
        """Bytes in the shard's files, without the manifest."""
        return sum(state.length for state in self.files.values())


def read_manifest(path: Path) -> ShardManifest | None:
    """Manifest of a committed shard; None if it is missing, unreadable or damaged."""
    try:
        text = (path / MANIFEST_NAME).read_bytes().decode()  # without translating line ends
        content = json.loads(text)
        digest = content.pop("digest")
        if content.pop("format") != MANIFEST_FORMAT or _digest(text.replace(digest, "", 1)) != digest:
            return None
        items = tuple(ItemRecord(**item) for item in content.pop("items"))
        files = {name: FileState(*state) for name, state in content.pop("files").items()}
        return ShardManifest(items=items, files=files, **content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_manifest(path: Path, manifest: ShardManifest) -> None:
    """Write a manifest into the folder of its shard."""
    files = {name: (state.length, state.crc32c) for name, state in manifest.files.items()}
    content: dict[str, Any] = {"format": MANIFEST_FORMAT, "digest": "", **asdict(manifest), "files": files}
    text = json.dumps(content, indent=1)
    # The digest is that of the text with an empty digest.
    text = text.replace('"digest": ""', f'"digest": "{_digest(text)}"', 1)
    (path / MANIFEST_NAME).write_text(text, encoding="utf-8")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def foreign_to(path: Path, manifest: ShardManifest) -> str | None:
    """Stage and fingerprint of a manifest if they are not those of its folder; else None."""
    if (manifest.stage, manifest.fingerprint) == (path.parent.parent.name, path.parent.name):
        return None
    return f"belongs to {manifest.stage} {manifest.fingerprint}"


def file_states(path: Path) -> dict[str, FileState]:
    """Length and checksum of every file of a shard, except the manifest and the record of damage."""
    return {name: _state(path / name) for name in _file_names(path)}


def changed_files(path: Path, manifest: ShardManifest, *, contents: bool) -> dict[str, str]:
    """Files that differ from the manifest, with the reason.

    Parameters
    ----------
    path, manifest
        Folder of the shard, and its manifest.
    contents
        Whether to read them; otherwise only lengths are compared.
    """
    changed: dict[str, str] = {}
    for name, state in manifest.files.items():
        try:
            length = os.stat(f"{path}/{name}").st_size  # noqa: PTH116 - a run looks at 100,000 files
            if length != state.length:
                changed[name] = f"has {length} bytes instead of {state.length}"
            elif contents and _state(path / name) != state:
                changed[name] = "its checksum differs"
        except OSError as error:
            changed[name] = error.strerror or str(error)
    if contents:
        changed |= dict.fromkeys(_file_names(path) - manifest.files.keys(), "does not belong to the shard")
    return changed


def _state(path: Path) -> FileState:
    checksum, length = 0, 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            checksum = google_crc32c.extend(checksum, block)
            length += len(block)
    return FileState(length, checksum)


def _file_names(path: Path) -> set[str]:
    names = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    return {name for name in names if name not in (MANIFEST_NAME, DAMAGE_NAME) and not name.startswith(".")}


def read_damage(path: Path) -> Mapping[str, str]:
    """Items found damaged since the shard was committed, with the reasons."""
    try:
        content = json.loads((path / DAMAGE_NAME).read_text(encoding="utf-8"))
        return {str(item): str(why) for item, why in content.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def note_damage(path: Path, items: Mapping[str, str]) -> None:
    """Record beside the data which items are damaged, so that every later run treats them as missing.

    Raises
    ------
    OSError
        The shard cannot be written to.
    """
    content = json.dumps({**read_damage(path), **items}, indent=1)
    replace_file(path / DAMAGE_NAME, content.encode())
