"""The order of images: by the numbers in their names, unless whoever lists them plainly means another one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Literal

ListOrder = Literal["auto", "number", "given"]

SHORT_LIST = 8
"""Images up to which a list has been typed by hand, whatever its order."""

_NUMBER = re.compile(r"(\d+)")
_LAST_ZERO = re.compile(r"0([^0]*)$")


def natural_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key by which frame10 comes after frame2; where numbers are equal, characters decide."""
    # macOS has the accents of letters as characters of their own.
    return _numbered(unicodedata.normalize("NFC", name)), name


def _numbered(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if place % 2 else (-1, part) for place, part in enumerate(_NUMBER.split(name))]


def path_order(path: Path) -> list[tuple[list[tuple[int, str]], str]]:
    """Sort key of paths: natural order folder by folder."""
    return [natural_order(part) for part in path.parts]


def twins(paths: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Images of one folder that stand for one frame: `0.png` and `0.jpg`, `1.png` and `01.png`."""
    first: dict[tuple[Path, tuple[tuple[int, str], ...]], Path] = {}
    found = []
    for path in paths:
        one = first.setdefault((path.parent, tuple(_numbered(path.stem))), path)
        if one is not path:
            found.append((one, path))
    return found


def minus_note(paths: Sequence[Path]) -> str:
    """What to say of `f-1.png` beside `f1.png`, which may be meant to be negative; empty without such."""
    kinds = {without_numbers(path.name): path for path in reversed(paths)}
    for kind, path in kinds.items():
        signed = kinds.get(_LAST_ZERO.sub(r"-0\1", kind))
        if signed is not None and signed is not path:
            return (
                f"{signed.name} comes after {path.name} and those like it: a minus sign is no part of a "
                "number; for another order name the images one by one, with --set clip.order=given"
            )
    return ""


def order_list(paths: Sequence[Path], order: ListOrder) -> tuple[list[Path], str]:
    """Put images that were given one by one in order.

    Parameters
    ----------
    paths
        As they were given.
    order
        `number`, `given`, or `auto`: by number, unless the order given is plainly meant.

    Returns
    -------
    list of Path, str
        The images, and what to say of their order; empty where it is that of the numbers and nobody has
        asked for another.

    Notes
    -----
    A shell lists names in the order of some alphabet, in which 10 comes before 2; it differs with the locale
    in where capitals and punctuation stand. Such an order is nobody's choice, and neither is that of a folder
    that lists its files as they lie on the disk. Two images, images that are repeated, and orders made of the
    same few steps (backwards, every other one) are.
    """
    given, by_number = list(paths), sorted(paths, key=path_order)
    if order == "number":
        return by_number, ""
    plain = order == "given" or len(given) == 2
    chosen = given if plain else _meant(given, by_number)
    if chosen != by_number:
        before, after = next((a, b) for a, b in pairwise(chosen) if path_order(a) > path_order(b))
        return chosen, (
            f"images are taken in the order given, not by number: {before.name} comes before {after.name}; "
            "--set clip.order=number takes them by number"
        )
    if given != by_number and not _is_alphabetical(given):
        return by_number, (
            "images are taken by number; they were given in an order that looks like none; "
            "--set clip.order=given takes them as they are given"
        )
    return by_number, ""


def _meant(given: list[Path], by_number: list[Path]) -> list[Path]:
    """The order that is meant by the one given."""
    if len(set(given)) < len(given):
        return given
    if _is_alphabetical(given):
        return by_number
    # Of two patterns the shell makes one list after the other: b_*.png a_*.png.
    groups = [list(group) for _, group in groupby(given, key=lambda path: without_numbers(str(path)))]
    if 1 < len(groups) == len({without_numbers(str(path)) for path in given}):
        return [path for group in groups for path in _meant(group, sorted(group, key=path_order))]
    return given if _is_regular(given, by_number) else by_number


def _is_alphabetical(paths: Sequence[Path]) -> bool:
    """Whether the order is that of an alphabet, as far as is common to those that shells go by."""
    keys = [[_alphabet(str(path)) for path in paths] for _alphabet in _ALPHABETS]
    return any(all(a <= b for a, b in pairwise(key)) for key in keys)


_ALPHABETS: tuple[Callable[[str], Any], ...] = (
    lambda name: name,  # by code point: the locale C
    str.casefold,
    lambda name: [character for character in name.casefold() if character.isalnum()],
    lambda name: [(character.isalnum(), character) for character in name.casefold()],
)


def without_numbers(name: str) -> str:
    """A name with all its numbers replaced by zero: equal for the frames of a sequence."""
    return _NUMBER.sub("0", name)


def _is_regular(given: Sequence[Path], by_number: Sequence[Path]) -> bool:
    """Whether an order consists of the same few steps again and again; a short one always does."""
    if len(given) <= SHORT_LIST:
        return True
    place = {path: number for number, path in enumerate(by_number)}
    steps = [place[after] - place[before] for before, after in pairwise(given)]
    return 2 * len(set(steps)) <= len(steps)
