"""Drawn triplets as files, in the layout of ATD-12K, with their truth in a separate root.

A truth file is written last and records its recipe. It alone marks a triplet as complete, so an interrupted
write resumes where it stopped.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Literal, get_args
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from animeinterp.configs.errors import DataError
from animeinterp.configs.files import HIDDEN_PREFIX, replace_file
from animeinterp.data.cartoon.staging import style_of
from animeinterp.data.cartoon.triplet import CartoonTriplet, check_drawing, draw_triplet, triplet_id
from animeinterp.data.truth import TRUTH_ARRAYS, TRUTH_FILE, TRUTH_FOLDERS

DRAWING_VERSION = 1
"""Increased whenever the same seed gives other pixels or another truth; older drawings are then redrawn."""

Split = Literal["test", "train"]
ImageFormat = Literal["png", "jpg"]

FRAMES: dict[Split, str] = {"test": "test_2k_540p", "train": "train_10k"}
ANNOTATIONS = "test_2k_annotations"
FORMAT: dict[Split, ImageFormat] = {"test": "png", "train": "jpg"}
"""Formats ATD-12K itself uses."""

RECIPE = "recipe"
"""Name of the record of drawing parameters within a truth file."""

JPEG_QUALITY = 95
PNG_LEVEL = 4
"""A third of the time of zlib's default for a few percent more bytes."""


def write_dataset(
    root: Path,
    count: int,
    *,
    seed: int = 0,
    size: tuple[int, int] = (540, 960),
    split: Split = "test",
    image_format: ImageFormat | None = None,
) -> list[str]:
    """Draw triplets of the seeds `seed` to `seed + count - 1` into a folder, as ATD-12K lays them out.

    Parameters
    ----------
    root
        Folder of the dataset; created if missing.
    count
        Number of triplets, at least 1.
    seed
        First seed.
    size
        (height, width) in pixels.
    split
        `test`: `test_2k_540p/<id>/frame{1,2,3}`, `test_2k_annotations/<id>/<id>.json` and
        `test_2k_truth/<id>/truth.npz`. `train`: `train_10k` and `train_10k_truth`, without annotations.
    image_format
        `png` or `jpg`; that of ATD-12K's split when absent.

    Returns
    -------
    list of str
        Ids, in the order of their seeds.

    Raises
    ------
    configs.errors.DataError
        If an argument is out of range or the folder cannot be written.

    Notes
    -----
    Triplets that are complete and were drawn by the same recipe (version, seed, size, format) are left
    alone. Files appear whole, by renaming. One program at a time writes to a folder.
    """
    if count < 1:
        raise DataError(f"count: found {count}, expected 1 or more; ask for at least one triplet")
    if split not in FRAMES:
        raise DataError(f"split: found {split!r}, expected one of {tuple(FRAMES)}; choose one of them")
    if image_format is not None and image_format not in get_args(ImageFormat):
        raise DataError(
            f"image_format: found {image_format!r}, expected one of {get_args(ImageFormat)}; choose one"
        )
    check_drawing(seed, size, style=None, motion=None, max_shift=None)
    suffix = image_format or FORMAT[split]
    try:
        return [_write_triplet(Path(root), at, size, split, suffix) for at in range(seed, seed + count)]
    except OSError as error:
        raise DataError(
            f"root: {root} cannot be written ({error}); choose a writable folder with free space"
        ) from error


def _write_triplet(root: Path, seed: int, size: tuple[int, int], split: Split, suffix: ImageFormat) -> str:
    name = triplet_id(seed, style_of(seed))
    frames, truth = root / FRAMES[split] / name, root / TRUTH_FOLDERS[split] / name / TRUTH_FILE
    notes = root / ANNOTATIONS / name / f"{name}.json" if split == "test" else None
    recipe = json.dumps({"version": DRAWING_VERSION, "seed": seed, "size": list(size), "format": suffix})
    wanted = [frames / f"frame{i}.{suffix}" for i in (1, 2, 3)]
    needed = [*wanted, *([notes] if notes else [])]
    if _recipe_of(truth) == recipe and all(path.is_file() for path in needed):
        return name
    triplet = draw_triplet(seed, size)
    # Without its truth the triplet counts as incomplete from here on.
    truth.unlink(missing_ok=True)
    for folder in {path.parent for path in (*needed, truth)}:
        for draft in folder.glob(f"{HIDDEN_PREFIX}*"):
            draft.unlink()
    for other in get_args(ImageFormat):
        for i in (1, 2, 3):
            if other != suffix:
                (frames / f"frame{i}.{other}").unlink(missing_ok=True)
    for path, frame in zip(wanted, (triplet.frame0, triplet.middle, triplet.frame1), strict=True):
        replace_file(path, _encoded(frame, suffix))
    if notes is not None:
        replace_file(notes, json.dumps(triplet.annotation, indent=2).encode())
    replace_file(truth, _packed(triplet, recipe))
    return name


def _encoded(frame: NDArray[np.uint8], suffix: ImageFormat) -> bytes:
    stream = io.BytesIO()
    if suffix == "png":
        Image.fromarray(frame).save(stream, "PNG", compress_level=PNG_LEVEL)
    else:
        Image.fromarray(frame).save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return stream.getvalue()


def _packed(triplet: CartoonTriplet, recipe: str) -> bytes:
    stream = io.BytesIO()
    arrays: dict[str, Any] = {name: getattr(triplet, name) for name in TRUTH_ARRAYS}
    arrays[RECIPE] = np.array(recipe)
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _recipe_of(truth: Path) -> str | None:
    """Recipe of a truth file; none where there is no such file or it is damaged."""
    try:
        with truth.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return str(archive[RECIPE])
    except (OSError, KeyError, ValueError, EOFError, BadZipFile):
        return None
