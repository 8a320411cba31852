from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from animeinterp.data.name_order import natural_order, order_list, path_order, twins, without_numbers
from tests.names import names


def paths(text: str) -> list[Path]:
    return [Path(f"{name}.png") for name in text.split()]


def ordered(text: str, order: str = "auto") -> tuple[str, str]:
    """The names in their order, and the note."""
    found, note = order_list(paths(text), order)  # type: ignore[arg-type]
    return " ".join(path.stem for path in found), note


TWELVE = "1 2 3 4 5 6 7 8 9 10 11 12"


@pytest.mark.parametrize(
    "given_names",
    [
        "1 10 11 12 2 3 4 5 6 7 8 9",  # by code point
        "10 11 12 1 2 3 4 5 6 7 8 9",  # punctuation ignored, as in many locales: 10png, 11png, 12png, 1png
        TWELVE,
    ],
)
def test_the_order_of_a_shell_gives_way_to_numbers(given_names: str) -> None:
    assert ordered(given_names) == (TWELVE, "")


@pytest.mark.parametrize(
    "given_names",
    [
        "A1 a10 A2",  # capitals beside small letters
        "a_1 a_10 a_2 a1",  # punctuation before digits
        "f1 f10 f2",
    ],
)
def test_orders_of_other_locales(given_names: str) -> None:
    found, note = ordered(given_names)
    assert found == " ".join(sorted(given_names.split(), key=natural_order))
    assert note == ""


@pytest.mark.parametrize(
    "given_names",
    [
        "3 1 2",
        "9 8 7 6 5 4 3 2 1",
        "2 1",
        "10 2",
        "1 2 3 2 1",
        "a1 b1 a2 b2 a3 b3 a4 b4 a5 b5",
        "7 8 9 10 11 12 1 2 3 4 5 6",
    ],
)
def test_a_clear_order_is_kept_and_told(given_names: str) -> None:
    found, note = ordered(given_names)
    assert found == given_names
    assert "in the order given, not by number" in note
    assert "--set clip.order=number" in note


def test_two_globs_are_sorted_each() -> None:
    found, note = ordered("b1 b10 b2 a1 a10 a2")
    assert found == "b1 b2 b10 a1 a2 a10"
    assert "b10.png comes before a1.png" in note


def test_no_order_at_all_gives_way_to_numbers() -> None:
    shuffled = TWELVE.split()
    random.Random(0).shuffle(shuffled)
    found, note = ordered(" ".join(shuffled))
    assert found == TWELVE
    assert "--set clip.order=given" in note


def test_an_order_can_be_asked_for() -> None:
    assert ordered("3 1 2", "number") == ("1 2 3", "")
    found, note = ordered("1 10 2", "given")
    assert found == "1 10 2"
    assert "10.png comes before 2.png" in note
    assert ordered("1 2 10", "given") == ("1 2 10", "")


def test_numbers_in_other_scripts_and_digits_that_are_none() -> None:
    assert sorted(["x1²3", "x1²10", "x1²2"], key=natural_order) == ["x1²2", "x1²3", "x1²10"]
    assert sorted(["１０", "９", "٣"], key=natural_order) == ["٣", "９", "１０"]


def test_composed_and_decomposed_letters_go_together() -> None:
    assert sorted(["é10", "e\u03012", "é1"], key=natural_order) == ["é1", "e\u03012", "é10"]


def test_folders_count_before_names() -> None:
    found = sorted(map(Path, ("s10/1.png", "s2/2.png", "s2/10.png", "s2/1.png")), key=path_order)
    assert [str(path) for path in found] == ["s2/1.png", "s2/2.png", "s2/10.png", "s10/1.png"]


def test_twins() -> None:
    found = twins(
        [Path(name) for name in ("a/0.png", "a/1.png", "a/0.jpg", "b/0.png", "a/01.png", "a/x.png")]
    )
    assert found == [(Path("a/0.png"), Path("a/0.jpg")), (Path("a/1.png"), Path("a/01.png"))]
    assert not twins([Path("é.png"), Path("e\u0301.png")])


@given(st.lists(names(), min_size=2, max_size=12, unique=True))
def test_any_names_have_one_order(several: list[str]) -> None:
    expected = sorted(several, key=natural_order)
    several.reverse()
    assert sorted(several, key=natural_order) == expected
    found, note = order_list([Path(name) for name in several], "auto")
    assert sorted(found) == sorted(map(Path, several))
    assert (found == sorted(found, key=path_order)) or note


@given(names(200), st.permutations(range(1, 13)))
def test_any_sequence_goes_by_number(name: str, numbers: list[int]) -> None:
    listed = [f"{name}_{number}.png" for number in numbers]
    expected = [f"{name}_{number}.png" for number in range(1, 13)]
    assert sorted(listed, key=natural_order) == expected
    found, _ = order_list([Path(other) for other in sorted(listed)], "auto")
    assert [str(path) for path in found] == expected
    assert len({without_numbers(other) for other in listed}) == 1
