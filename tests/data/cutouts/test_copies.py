from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cutouts.copies import look_alikes, without_copies
from animeinterp.data.cutouts.selection import Verdict
from tests.drawn_cutouts import cutout

TRAINING, VALIDATION = "ffff", "0000"
"""Beginnings of digests; the first eight digits decide the split."""


def _verdict(name: str, digest: str, why_not: str = "") -> Verdict:
    return Verdict(name, digest.ljust(64, "0"), (72, 60), why_not)


def _nearly(picture: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    changed = picture.copy()
    changed[..., :3] = np.abs(changed[..., :3].astype(int) - levels)
    return changed


def test_only_kept_copies_are_left_out() -> None:
    found = without_copies(
        [
            _verdict("a", "1", "too small"),
            _verdict("b", "1"),
            _verdict("c", "2"),
            _verdict("d", "1"),
            _verdict("e", "1", "of one tone"),
        ]
    )
    assert [verdict.why_not for verdict in found] == ["too small", "", "", "a copy of b", "of one tone"]


def test_what_looks_the_same_is_kept_once_within_a_split() -> None:
    first, second = _verdict("a", TRAINING + "ffff"), _verdict("b", TRAINING + "fff1")
    other = _verdict("c", TRAINING + "fff2")
    pictures = [(first, cutout(0)), (second, _nearly(cutout(0), 1)), (other, cutout(1))]
    assert look_alikes(pictures) == {second: "looks the same as a"}


def test_validation_holds_nothing_that_looks_like_training() -> None:
    train, held = _verdict("b", TRAINING + "ffff"), _verdict("a", VALIDATION + "0000")
    free = _verdict("c", VALIDATION + "0001")
    pictures = [(held, _nearly(cutout(0), 9)), (train, cutout(0)), (free, cutout(1))]
    assert look_alikes(pictures) == {held: "looks like b, which is of training"}


def test_one_split_alone_is_compared_within_itself() -> None:
    assert look_alikes([]) == {}
    held = [_verdict(name, VALIDATION + f"000{i}") for i, name in enumerate("ab")]
    same = [(verdict, cutout(0)) for verdict in held]
    assert look_alikes(same) == {held[1]: "looks the same as a"}
