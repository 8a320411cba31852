"""The manifest: the frames and pairs of a run, in a fixed order, each with its content digest."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from animeinterp.configs.errors import DataError
from animeinterp.configs.names import id_of, shown
from animeinterp.configs.sections import DataSection, Style
from animeinterp.data.annotations import Annotation
from animeinterp.data.file_facts import FileFacts

RESERVED_IDS = frozenset({"scores.csv", "scores.parquet", ".written.json"})
"""Files in `store.results`, in which each pair has a folder of its name."""
STYLE_OF_PREFIX: dict[str, Style] = {"Japan_": "anime", "Disney_": "disney"}  # ATD-12K folder names


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """A frame on disk."""

    id: str
    """`<pair id>/<file stem>`; with the suffix, or also a digest of the path, if that is taken."""
    path: Path
    digest: str
    """SHA-256 of the file; of its absence when it cannot be read."""
    size: tuple[int, int] | None
    """Height and width in pixels; None when the header cannot be read."""
    style: Style
    """Segmentation preset."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file on disk that is not a frame; it is read where it is used."""

    path: Path
    digest: str
    """SHA-256 of the file; of its absence when it cannot be read."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two frames and what belongs to them."""

    id: str
    frames: tuple[int, ...]
    """Positions of frame 0 and frame 1 in the manifest's frames; fewer than two if `error` is set."""
    truth: SourceFrame | None = None
    """The frame in the middle, if known."""
    motion_truth: SourceFile | None = None
    """Exact flows, occlusions and pieces of a drawn pair, as `data.truth` reads them."""
    annotation: Annotation | None = None
    annotation_error: str | None = None
    """Why the annotation file could not be used."""
    error: str | None = None
    """Why the pair cannot be computed."""
    annotation_file: Path | None = None
    """Path of its annotation, which need not exist."""
    times: tuple[float, ...] = ()
    """Times of the frames to make, in (0, 1), ascending; empty = those of the settings."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Frames and pairs in order; a frame shared by pairs occurs once."""

    root: Path
    frames: tuple[SourceFrame, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()
    """What the user should know about the dataset, such as what was ignored."""


@dataclass(frozen=True, slots=True)
class FoundPair:
    """The files that a reader finds for one pair, before they are read."""

    id: str
    frames: tuple[Path, ...]
    truth: Path | None = None
    motion_truth: Path | None = None
    annotation: Annotation | None = None
    annotation_error: str | None = None
    error: str | None = None
    annotation_file: Path | None = None
    times: tuple[float, ...] = ()
    frames_of: str = ""
    """Prefix of the ids of its frames, so that neighbouring lists agree on them; the pair's id by default."""


def build_manifest(
    root: Path,
    found: Sequence[FoundPair],
    section: DataSection,
    facts: FileFacts,
    notes: tuple[str, ...] = (),
) -> Manifest:
    """Read the facts of the files found and make a manifest.

    Parameters
    ----------
    root
        The dataset's folder, kept for messages.
    found
        Pairs in their order.
    section
        Chooses the segmentation preset of each frame.
    facts
        Digests and sizes, saved between runs.
    notes
        What the user should know about the dataset.

    Returns
    -------
    Manifest
        A pair whose frames differ in size carries an `error`; a file that is not an image is detected when it
        is first processed, so that one bad file fails alone.

    Raises
    ------
    DataError
        Two pairs have the same id.
    """
    twice = next((name for name, count in Counter(pair.id for pair in found).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{root}: {twice!r} is the id of more than one pair; give each its own")
    facts.learn(path for pair in found for path in _files(pair))
    frames: list[SourceFrame] = []
    position: dict[Path, int] = {}
    taken: set[str] = set()
    pairs = []
    for pair in found:
        style = style_of(pair.id, section)
        for path in pair.frames:
            if path not in position:
                position[path] = len(frames)
                name = pair.frames_of or pair.id
                frame = _source_frame(name, path, style, facts)
                frame = replace(frame, id=next(found for found in _ids(name, path) if found not in taken))
                taken.add(frame.id)
                frames.append(frame)
        members = tuple(position[path] for path in pair.frames)
        truth = None if pair.truth is None else _source_frame(pair.id, pair.truth, style, facts)
        drawn = pair.motion_truth
        motion = None if drawn is None else SourceFile(drawn, facts[drawn].digest)
        error = shown(pair.error or _name_error(pair.id) or _size_error([frames[i] for i in members]))
        pairs.append(
            Pair(
                pair.id,
                members,
                truth,
                motion,
                pair.annotation,
                pair.annotation_error,
                error or None,
                pair.annotation_file,
                pair.times,
            )
        )
    return Manifest(root, tuple(frames), tuple(pairs), notes)


def _files(pair: FoundPair) -> Iterable[Path]:
    return (*pair.frames, *(path for path in (pair.truth, pair.motion_truth) if path is not None))


def style_of(pair_id: str, section: DataSection) -> Style:
    """The segmentation preset of a pair's frames, by the pair's id."""
    if section.style != "auto":
        return section.style
    for prefix, style in STYLE_OF_PREFIX.items():
        if pair_id.startswith(prefix):
            return style
    return section.unnamed_style


def _ids(name: str, path: Path) -> Iterator[str]:
    """Possible ids of a frame, the preferred one first."""
    yield f"{name}/{id_of(path.stem)}"
    yield f"{name}/{id_of(path.name)}"
    for length in range(8, 65, 8):
        yield f"{name}/{id_of(path.name)}~{sha256(os.fsencode(path)).hexdigest()[:length]}"


def _source_frame(pair_id: str, path: Path, style: Style, facts: FileFacts) -> SourceFrame:
    fact = facts[path]
    return SourceFrame(next(_ids(pair_id, path)), path, fact.digest, fact.size, style)


def _name_error(pair_id: str) -> str:
    if pair_id.lower() not in RESERVED_IDS:
        return ""
    return f"{pair_id!r} is the name of a file that runs write beside the results of pairs; rename the pair"


def _size_error(frames: Sequence[SourceFrame]) -> str:
    sizes = {frame.size for frame in frames if frame.size is not None}
    if len(sizes) < 2:
        return ""
    found = ", ".join(
        f"{frame.path.name} is {frame.size[1]}x{frame.size[0]}" for frame in frames if frame.size
    )
    folder = frames[0].path.parent
    return f"{folder}: frames of different sizes ({found}); both must be the same; resize or replace one"
