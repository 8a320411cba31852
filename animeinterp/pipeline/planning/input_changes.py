"""How an item's present inputs differ from those it was computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.item_inputs import ItemInputs
from animeinterp.pipeline.store.shard_manifest import ItemRecord
from animeinterp.pipeline.store.stage_descriptions import DIGITS_SHOWN

if TYPE_CHECKING:
    from animeinterp.pipeline.planning.session import Session

VALUES = ("style", "size0", "size1")  # inputs recorded as they are, not as digests
NO_ANNOTATION = str((None, None))  # as `needs` puts it


@dataclass(frozen=True, slots=True)
class InputChange:
    """A changed input."""

    name: str
    """As in the record: `frame0`, `truth`, `segmentation/1`, ..."""
    old: str | None
    new: str | None

    @property
    def stage(self) -> str | None:
        """Earlier stage whose result it is; None for what comes from the dataset."""
        stage, slash, _ = self.name.partition("/")
        return stage if slash else None


def input_changes(record: ItemRecord, need: ItemInputs) -> list[InputChange]:
    """Inputs that have changed since an item was computed."""
    old, new = record.inputs, need.inputs
    names = dict.fromkeys([*new, *old])
    return [InputChange(k, old.get(k), new.get(k)) for k in names if old.get(k) != new.get(k)]


def change_in_words(change: InputChange, stage: str) -> str:
    """The kind of change, such as `frame1 changed`, worded the same for all items."""
    name = "frame" if STAGES[stage].unit == "frame" and change.name == "frame0" else change.name
    old, new = (None if value == NO_ANNOTATION else value for value in (change.old, change.new))
    if change.name in VALUES:
        return f"{name}: {old} -> {new}"
    if old is None or new is None:
        return f"{name} {'added' if old is None else 'removed'}"
    return f"{name} changed"


def change_in_full(session: Session, item: int, change: InputChange, need: ItemInputs) -> str:
    """The file with its old and new digests; empty if there is nothing to add."""
    path = _file(session, item, change.name, need.source or ItemSource())
    if path is None:
        return ""
    if change.name == "annotation":
        return str(path)
    if change.new is not None and not session.facts[path].readable:
        return f"{path} (cannot be read)"
    return f"{path} ({_short(change.old)} -> {_short(change.new)})"


def _file(session: Session, item: int, name: str, source: ItemSource) -> Path | None:
    files: Mapping[str, Path | None] = {
        **{f"frame{k}": path for k, path in enumerate(source.frames)},
        **dict(zip(("flow01", "flow10"), source.flows, strict=False)),
        "truth": source.truth,
        "motion_truth": source.motion_truth,
    }
    return session.manifest.pairs[item].annotation_file if name == "annotation" else files.get(name)


def _short(digest: str | None) -> str:
    return "absent" if digest is None else digest[:DIGITS_SHOWN]
