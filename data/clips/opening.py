"""Opens what the user named as a clip: a video, a folder, a glob or a list of images."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from configs.errors import DataError
from configs.sections import ClipSection, read_rate
from data.clips.animation import AnimationClip
from data.clips.clip import Clip
from data.clips.image_sequence import ImageClip
from data.clips.video import VideoClip
from data.image_decoding import read_header
from data.images import IMAGE_SUFFIXES
from data.layouts import natural_order

SUGGESTIONS = 3
EXPECTED = "name a video, a folder of images, a glob such as 'frames/*.png', or two images and more"


def open_clip(inputs: Sequence[str | Path], section: ClipSection) -> Clip:
    """Open a clip.

    Parameters
    ----------
    inputs
        One video, one folder of images, one glob of images, or images in their order. Three or more images in
        alphabetical order, as a shell lists them, are sorted by their numbers.
    section
        Gives the rate of images.

    Raises
    ------
    DataError
        There is no such file, or it is not a clip.
    """
    if not inputs:
        raise DataError(f"no input given; {EXPECTED}")
    rate = read_rate(section.rate)
    if len(inputs) > 1:
        return ImageClip(*_images_of_list([Path(item) for item in inputs]), rate)
    path = Path(inputs[0]).expanduser()
    if path.is_dir():
        return ImageClip(path.resolve().name, _images_of_folder(path), rate)
    if path.exists():
        if not _is_image(path):
            return VideoClip(path)
        if read_header(path).pictures > 1:
            return AnimationClip(path, rate)
        raise DataError(
            f"{path}: one image, but motion needs two; name its folder, a glob, or also the next image"
        )
    if glob.has_magic(str(path)):
        return _of_glob(path, rate_of=section)
    raise DataError(f"{path}: no such file or folder{_near(path)}; {EXPECTED}")


def _of_glob(pattern: Path, rate_of: ClipSection) -> Clip:
    hits = [Path(hit) for hit in glob.glob(str(pattern))]  # noqa: PTH207 - the pattern may be absolute
    files = sorted((hit for hit in hits if hit.is_file()), key=lambda hit: natural_order(hit.name))
    if not files:
        what = f"only folders ({hits[0]})" if hits else "nothing"
        raise DataError(f"{pattern}: {what} matches the pattern{_near(pattern)}; {EXPECTED}")
    if len(files) == 1:
        return open_clip(files, rate_of)
    images = [file for file in files if _is_image(file)]
    if not images:
        raise DataError(f"{pattern}: {len(files)} files match, but none is an image; {EXPECTED}")
    if len(images) == 1:
        return open_clip(images, rate_of)
    return ImageClip(pattern.parent.resolve().name or "clip", images, read_rate(rate_of.rate))


def _images_of_list(paths: list[Path]) -> tuple[str, list[Path]]:
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: no such file{_near(path)}; {EXPECTED}")
    others = [path for path in paths if not _is_image(path) or path.is_dir()]
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
    names = [str(path) for path in paths]
    if len(paths) > 2 and names == sorted(names):
        paths = sorted(paths, key=lambda path: natural_order(str(path)))
    return paths[0].stem, paths


def _images_of_folder(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        listed = [entry for entry in entries if not entry.name.startswith(".")]
    images = [Path(folder, entry.name) for entry in listed if entry.is_file() and _is_image(Path(entry.name))]
    if len(images) > 1:
        return sorted(images, key=lambda path: natural_order(path.name))
    if images:
        raise DataError(
            f"{folder}: contains one image ({images[0].name}); motion needs two: add the next frame"
        )
    folders = sorted(entry.name for entry in listed if entry.is_dir())
    if folders:
        raise DataError(
            f"{folder}: contains folders ({', '.join(folders[:SUGGESTIONS])}) and no images; a clip is "
            f"one of them: name {folder / folders[0]}, or use 'animeinterp run' for a dataset of pairs"
        )
    if listed:
        first = min(entry.name for entry in listed)
        raise DataError(
            f"{folder}: contains no image, but {first}; expected {', '.join(sorted(IMAGE_SUFFIXES))}, "
            "or name the video itself"
        )
    raise DataError(f"{folder}: an empty folder; {EXPECTED}")


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES


def _near(path: Path) -> str:
    """Existing names similar to a missing one."""
    try:
        names = sorted(other.name for other in path.parent.iterdir() if not other.name.startswith("."))
    except OSError:
        return f" (nor a folder {path.parent})"
    close = get_close_matches(path.name, names, n=SUGGESTIONS, cutoff=0.6)
    return f" (there is {', '.join(close)})" if close else ""
