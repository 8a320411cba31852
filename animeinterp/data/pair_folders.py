"""Reads a folder of pair folders: which hold pairs, which are ignored, and what is ambiguous."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from animeinterp.configs.errors import DataError
from animeinterp.configs.names import command_line, id_of, own_command, own_name
from animeinterp.configs.sections import StoreSection
from animeinterp.data.dataset_search import PAIR_SIZES
from animeinterp.data.folder_content import FolderContent, list_folder
from animeinterp.data.manifest import FoundPair
from animeinterp.data.name_order import twins, without_numbers
from animeinterp.data.not_frames import (
    is_contact_sheet,
    is_of_cache,
    is_of_export,
    is_result_frame,
    kind_of_output,
)

SHOWN = 4
"""Images named in an error."""
MOST_IGNORED = 20
"""Names in a note of what was ignored."""


@dataclass(frozen=True, slots=True)
class PairFolder:
    """A folder that should hold a pair."""

    path: Path
    id: str
    images: tuple[Path, ...] = ()
    """In natural order."""
    error: str | None = None
    """Why it cannot be used."""

    @property
    def is_pair(self) -> bool:
        """Whether it has as many images as a pair or triplet."""
        return len(self.images) in PAIR_SIZES

    def listing(self) -> str:
        """The number of its images, and the first names."""
        names = [path.stem for path in self.images]
        shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
        count = f"{len(names)} image{'s' if len(names) != 1 else ''}"
        return count + (f" ({shown})" if names else "")

    def pair(self) -> FoundPair:
        """The pair in it, or one with an error."""
        error = self.error
        if error is None and not self.is_pair:
            error = (
                f"{self.path}: {self.listing()}; expected two frames, or three with the ground truth between"
            )
            if len(self.images) > max(PAIR_SIZES):
                error += f"; for an image sequence use '{own_command('interpolate')}'"
        match self.images:
            case _ if error is not None:
                return FoundPair(self.id, self.images[:1], error=error)
            case [frame0, truth, frame1]:
                return FoundPair(self.id, (frame0, frame1), truth)
            case _:
                return FoundPair(self.id, self.images)


class DatasetFolder:
    """A folder of pair folders, or a folder that is a pair itself.

    Parameters
    ----------
    path
        The folder, absolute.
    store
        Names the folders of this program: they are ignored.
    named_frames
        Whether frames are known by their names, as in ATD-12K; otherwise every image counts.

    Raises
    ------
    DataError
        The folder cannot be read.
    """

    def __init__(self, path: Path, store: StoreSection | None, *, named_frames: bool) -> None:
        self.path = path
        self._named_frames = named_frames
        self._ignored: Counter[str] = Counter()
        self._notes: list[str] = []
        try:
            self._content = list_folder(path)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from None
        self._output = kind_of_output(path, self._content.names)
        self._own = _folders_of_program(path, store)
        self._ignored.update(self._content.of_systems)

    def notes(self) -> tuple[str, ...]:
        """What the user should know about the folder: what was ignored."""
        names = [f"{name} ({count} times)" if count > 1 else name for name, count in self._ignored.items()]
        more = f" and {len(names) - MOST_IGNORED} more" if len(names) > MOST_IGNORED else ""
        ignored = f"ignored in {self.path}: {', '.join(names[:MOST_IGNORED])}{more}"
        return (*self._notes, *((ignored,) if names else ()))

    def refuse_output(self) -> None:
        """Refuse a folder that this program has written.

        Raises
        ------
        DataError
            It is one.
        """
        if self._output:
            raise DataError(
                f"{self.path}: written by animeinterp ({self._output}), it holds no frames; name the "
                "folder of your frames"
            )

    def children(self) -> list[PairFolder]:
        """The folders in it that should hold pairs, by name."""
        found = (self._child(folder) for folder in self._content.folders)
        return [child for child in found if child is not None]

    def pairs(self, layout: str) -> list[FoundPair]:
        """The pairs in its folders, or the pair that it is itself.

        Parameters
        ----------
        layout
            `data.layout`; only `auto` leaves the choice.

        Raises
        ------
        DataError
            Both are possible, or neither.
        """
        if layout != "auto" and self._output == "results":
            self._output = ""  # frames of a run, taken as the input of another one
        images, error = self._frames_in(self._content)
        self._ignore_all_but(images, self._content)
        itself = PairFolder(self.path, id_of(own_name(self.path)), images, error)
        if layout == "pair":
            return [itself.pair()]
        children = self.children()
        found = sum(child.is_pair for child in children)
        if layout == "auto":
            self._refuse_ambiguous(itself, children)
        if not images or found or (children and (layout == "folders" or not itself.is_pair)):
            if images:
                self._notes.append(f"ignored beside the pair folders of {self.path}: {itself.listing()}")
            return [child.pair() for child in children]
        self._ignored.update(child.path.name for child in children)
        return [itself.pair()]

    def _refuse_ambiguous(self, itself: PairFolder, children: list[PairFolder]) -> None:
        found = [child for child in children if child.is_pair]
        if itself.is_pair and len(found) == 1:
            raise DataError(
                f"{self.path}: this can be one pair, {itself.listing()}: use --set data.layout=pair; or a "
                f"folder of pairs, {found[0].path.name}: use --set data.layout=folders"
            )
        if len(itself.images) > max(PAIR_SIZES) and not found:
            command = command_line(["animeinterp", "interpolate", str(self.path)])
            raise DataError(
                f"{self.path}: {itself.listing()}, and no folder with two or three; for an image sequence "
                f"use {command}"
            )

    def _child(self, folder: Path) -> PairFolder | None:
        """A folder that should hold a pair, or None if it is ignored."""
        pair_id = id_of(folder.name)
        try:
            content = list_folder(folder)
        except OSError as error:
            why = "the link leads nowhere" if not folder.exists() else error.strerror
            return PairFolder(folder, pair_id, error=f"{folder}: cannot be read ({why})")
        images, wrong = self._frames_in(content)
        if self._output == "results" and all(map(is_result_frame, images)):
            images = ()
        if not images:
            output = self._output_in(folder, content)
            if output:
                self._ignored[f"{folder.name} ({output})"] += 1
                return None
            wrong = _images_below(folder, content)
        self._ignored.update(content.of_systems)
        self._ignore_all_but(images, content)
        return PairFolder(folder, pair_id, images, wrong)

    def _frames_in(self, content: FolderContent) -> tuple[tuple[Path, ...], str | None]:
        """The images of a folder that may be frames, and what is wrong with them."""
        images = content.images if self._named_frames else _without_outputs(content)
        doubled = twins(images) if len(images) > min(PAIR_SIZES) else []
        if not doubled:
            return images, None
        one, other = doubled[0]
        return images, f"{one.parent}: {one.name} and {other.name} are the same frame; remove one of them"

    def _ignore_all_but(self, frames: tuple[Path, ...], content: FolderContent) -> None:
        self._ignored.update(path.name for path in content.images if path not in frames)

    def _output_in(self, folder: Path, content: FolderContent) -> str:
        """What this program has written to a folder without frames; empty for other folders."""
        if folder.name in self._own:
            return self._own[folder.name]
        if self._output == "results" and any(map(is_result_frame, content.images)):
            return "results"
        if self._output == "cache" and is_of_cache(folder.name):
            return "part of the cache"
        if content.images:
            return "contact sheets"
        below = (_kind_of_output(child) for child in content.folders[:SHOWN])
        return kind_of_output(folder, content.names) or next(filter(None, below), "")


def _without_outputs(content: FolderContent) -> tuple[Path, ...]:
    """The images of a folder without those that this program has written there."""
    images = tuple(path for path in content.images if not is_of_export(path, content.names))
    # Contact sheets are known by their content only. Reading the start of every frame would take long, so
    # frames that differ in their numbers only are judged by the first one.
    alike = len({without_numbers(path.name) for path in images}) == 1
    if any(map(is_contact_sheet, images[:1] if alike or len(images) > max(PAIR_SIZES) else images)):
        images = tuple(path for path in images if not is_contact_sheet(path))
    frames = tuple(path for path in images if not is_result_frame(path))
    return frames if len(frames) >= min(PAIR_SIZES) else images


def _folders_of_program(path: Path, store: StoreSection | None) -> dict[str, str]:
    """The folders in `path` that hold the cache or the results, with the settings that name them."""
    places = {} if store is None else {"store.cache": store.cache, "store.results": store.results}
    names, root = {}, path.resolve()
    for setting, place in places.items():
        resolved = None if place is None else place.resolve()
        if resolved is not None and root in resolved.parents:
            names[resolved.relative_to(root).parts[0]] = setting
    return names


def _kind_of_output(folder: Path) -> str:
    try:
        return kind_of_output(folder, list_folder(folder).names)
    except OSError:
        return ""


def _images_below(folder: Path, content: FolderContent) -> str | None:
    """What is wrong with a folder whose images are in a folder of it."""
    for child in content.folders[:SHOWN]:
        try:
            count = len(list_folder(child).images)
        except OSError:
            continue
        if count:
            return f"{folder}: 0 images, but {count} in {child}, one level too deep; move them up"
    return None
