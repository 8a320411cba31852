"""Duplicates and near-duplicates of pictures: validation on a training drawing would measure memorisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cutouts.book import split_of
from animeinterp.data.cutouts.selection import Verdict

THUMBNAIL = 12
"""Pixels of a side of what is compared; drawings are stretched to squares."""
SAME = 2.0
"""Mean difference, in levels of 255 over premultiplied RGBA, below which one of two drawings is enough."""
ALIKE = 10.0
"""The same for a validation drawing beside a training drawing. In Openclipart most pairs below it are
variants (a dog and the same dog with another collar), most above it different things of one shape."""


def without_copies(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Leave out kept pictures whose file has the content of an earlier one."""
    first: dict[str, str] = {}
    found = []
    for verdict in verdicts:
        earlier = first.setdefault(verdict.digest, verdict.name) if verdict.kept else verdict.name
        found.append(verdict if earlier == verdict.name else replace(verdict, why_not=f"a copy of {earlier}"))
    return found


def look_alikes(drawings: Sequence[tuple[Verdict, NDArray[np.uint8]]]) -> dict[Verdict, str]:
    """Drawings to leave out because they look like others, and why.

    Parameters
    ----------
    drawings
        Kept pictures with their premultiplied RGBA (h, w, 4), in the order of their names.

    Returns
    -------
    dict
        Those that look the same as an earlier one of their split, and those of validation that look like one
        of training which stays.
    """
    out: dict[Verdict, str] = {}
    training = [item for item in drawings if split_of(item[0].digest) == "training"]
    validation = [item for item in drawings if split_of(item[0].digest) == "validation"]
    for split in (training, validation):
        gaps = _gaps(split, split)
        for i, (verdict, _) in enumerate(split):
            earlier = [j for j in np.flatnonzero(gaps[i, :i] < SAME) if split[j][0] not in out]
            if earlier:
                out[verdict] = f"looks the same as {split[earlier[0]][0].name}"
    staying = [item for item in training if item[0] not in out]
    gaps = _gaps(validation, staying)
    for (verdict, _), row in zip(validation, gaps, strict=True):
        if verdict not in out and row.size and row.min() < ALIKE:
            out[verdict] = f"looks like {staying[int(row.argmin())][0].name}, which is of training"
    return out


def _gaps(
    some: Sequence[tuple[Verdict, NDArray[np.uint8]]], others: Sequence[tuple[Verdict, NDArray[np.uint8]]]
) -> NDArray[np.float64]:
    """Mean difference (n, m) of every drawing from every other one."""
    if not some or not others:
        return np.zeros((len(some), len(others)))
    first, second = _thumbnails(some), _thumbnails(others)
    gaps = np.empty((len(first), len(second)))
    for row, thumbnail in zip(gaps, first, strict=True):
        row[:] = np.abs(second - thumbnail).sum(axis=1)
    return gaps / (THUMBNAIL * THUMBNAIL * 4)


def _thumbnails(drawings: Sequence[tuple[Verdict, NDArray[np.uint8]]]) -> NDArray[np.int16]:
    size = (THUMBNAIL, THUMBNAIL)
    small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA).ravel() for _, picture in drawings]
    return np.stack(small).astype(np.int16)
