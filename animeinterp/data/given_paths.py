"""Decides what the inputs of a clip are: a video, a folder of images, a pattern of names, or single images.

A name that exists is taken literally, whatever characters it has. Only if nothing has that name are `*`, `?`
and `[...]` wildcards, and `%04d` a number. For datasets see `data.layouts`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from animeinterp.configs.errors import DataError
from animeinterp.configs.names import given_path, own_command
from animeinterp.data.folder_content import is_image, list_folder
from animeinterp.data.image_decoding import read_header
from animeinterp.data.images import IMAGE_SUFFIXES
from animeinterp.data.name_order import ListOrder, minus_note, order_list, twins
from animeinterp.data.name_patterns import is_pattern, matches
from animeinterp.data.not_frames import is_contact_sheet

SUGGESTIONS = 3
EXPECTED = "name a video, a folder of images, a pattern such as 'frames/*.png', or two or more images"
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".ts", ".flv", ".wmv", ".gif")
"""Of files that are named in a note when a folder of images has them, too."""


@dataclass(frozen=True, slots=True)
class GivenImages:
    """Images of a clip, in order."""

    name: str
    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    """What the user should know: the order, and what was ignored."""


def read_given(inputs: Sequence[str | Path], order: ListOrder = "auto") -> Path | GivenImages:
    """Decide what inputs are: the file of a video or animation, or images in order.

    Parameters
    ----------
    inputs
        One video, one folder of images, one pattern of images, or images.
    order
        Of single images, see `order_list`. Those of a folder or pattern are sorted by number.

    Raises
    ------
    DataError
        An input does not exist, or is not a clip.
    """
    if not inputs:
        raise DataError(f"no input given; {EXPECTED}")
    if len(inputs) > 1:
        return _images_of_list([given_path(item) for item in inputs], order)
    path = given_path(inputs[0])
    if os.path.isdir(path):  # noqa: PTH112 - pathlib's raises for names that are too long
        return _images_of_folder(path)
    if os.path.lexists(path):
        return _single_file(path)
    if is_pattern(path):
        return _images_of_pattern(path)
    raise DataError(f"{path}: no such file or folder{_near(path)}; {EXPECTED}")


def _single_file(path: Path) -> Path:
    if is_image(path) and path.is_file() and read_header(path).pictures < 2:
        raise DataError(
            f"{path}: one image, but motion needs two; name its folder, a pattern, or also the next image"
        )
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: a pipe or device, which cannot be read twice; save it as a file first")
    return path


def _images_of_pattern(pattern: Path) -> Path | GivenImages:
    hits = matches(pattern)
    files = [hit for hit in hits if not hit.is_dir()]
    if not files:
        what = f"only folders ({hits[0]})" if hits else "nothing"
        raise DataError(f"{pattern}: {what} matches the pattern{_near(pattern)}; {EXPECTED}")
    images = [file for file in files if is_image(file)]
    if not images and len(files) > 1:
        raise DataError(f"{pattern}: {len(files)} files match, but none is an image; {EXPECTED}")
    if len(images or files) == 1:
        return _single_file((images or files)[0])
    _check_twins(images)
    minus = minus_note(images)
    return GivenImages(pattern.parent.resolve().name or "clip", tuple(images), (minus,) if minus else ())


def _images_of_list(paths: list[Path], order: ListOrder) -> GivenImages:
    for path in paths:
        if not os.path.lexists(path):
            raise DataError(f"{path}: no such file{_near(path)}; {EXPECTED}")
    others = [path for path in paths if not is_image(path) or path.is_dir()]
    if len(others) == len(paths):
        raise DataError(
            f"{others[0]}, {others[1]}: {len(paths)} inputs that are not images; a clip is one video or one "
            "folder: make one run for each"
        )
    if others:
        raise DataError(
            f"{others[0]}: no image, given with images such as {next(p for p in paths if p not in others)}; "
            f"{EXPECTED}"
        )
    ordered, note = order_list(paths, order)
    minus = "" if order == "given" else minus_note(ordered)
    return GivenImages(ordered[0].stem, tuple(ordered), tuple(filter(None, (note, minus))))


def _images_of_folder(folder: Path) -> GivenImages:
    try:
        content = list_folder(folder)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})") from None
    drawn = [path.name for path in content.images if is_contact_sheet(path)]
    images = [path for path in content.images if path.name not in drawn]
    if len(images) > 1:
        _check_twins(images)
        ignored = [*drawn, *content.of_systems, *(name for name in content.others if is_video(name))]
        note = f"ignored in {folder}: {', '.join(ignored)}" if ignored else ""
        notes = tuple(filter(None, (note, minus_note(images))))
        return GivenImages(folder.resolve().name, tuple(images), notes)
    if images:
        raise DataError(
            f"{folder}: contains one image ({images[0].name}); motion needs two: add the next frame"
        )
    if content.folders:
        names = ", ".join(path.name for path in content.folders[:SUGGESTIONS])
        raise DataError(
            f"{folder}: contains folders ({names}) and no images; a clip is "
            f"one of them: name {content.folders[0]}, or use '{own_command('run')}' for a dataset of pairs"
        )
    if content.others:
        raise DataError(
            f"{folder}: contains no image, but {content.others[0]}; expected "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}, or name the video itself"
        )
    raise DataError(f"{folder}: an empty folder; {EXPECTED}")


def is_video(name: str) -> bool:
    """Whether a file is a video, by its name."""
    return name.lower().endswith(VIDEO_SUFFIXES)


def _check_twins(images: Sequence[Path]) -> None:
    found = twins(images)
    if not found:
        return
    one, other = found[0]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    kinds = [path.suffix for path in (one, other)]
    remedy = "remove one of them"
    if kinds[0] != kinds[1]:
        counts = [sum(path.suffix == kind for path in images) for kind in kinds]
        patterns = [f"'{one.parent}/*{kind}' ({count})" for kind, count in zip(kinds, counts, strict=True)]
        remedy = f"name {' or '.join(patterns)}"
    raise DataError(
        f"{one.parent}: {one.name} and {other.name} are the same frame{more}; expected one image per "
        f"frame: {remedy}"
    )


def _near(path: Path) -> str:
    """Existing names similar to a missing one."""
    try:
        names = sorted(other.name for other in path.parent.iterdir() if not other.name.startswith("."))
    except OSError:
        return f" (nor a folder {path.parent})"
    close = get_close_matches(path.name, names, n=SUGGESTIONS, cutoff=0.6)
    return f" (there is {', '.join(close)})" if close else ""
