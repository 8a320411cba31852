from __future__ import annotations

import numpy as np
import pytest

from animeinterp.pipeline.results.pictures import (
    BACKGROUND,
    CAPTION_HEIGHT,
    MARGIN,
    STILL,
    UNMATCHED_GRAY,
    Tile,
    arrange,
    draw_moves,
    draw_pieces,
    error_map,
    flow_to_color,
    match_colors,
    piece_colors,
)


def color_of(dx: float, dy: float, longest: float | None = None) -> tuple[int, ...]:
    flow = np.array([dx, dy], np.float32).reshape(2, 1, 1)
    return tuple(int(value) for value in flow_to_color(flow, longest)[0, 0])


def test_directions_have_the_colours_of_the_literature() -> None:
    assert color_of(5, 0) == (255, 0, 0)
    red, green, blue = color_of(-5, 0)
    assert (red, blue) == (0, 255)  # cyan, a little towards blue
    assert green > 190
    red, green, blue = color_of(0, 5)
    assert (red, blue) == (255, 0)  # down: yellow
    assert green > 220
    red, green, blue = color_of(0, -5)
    assert (green, blue) == (0, 255)  # up: blue
    assert red < 128


def test_saturation_is_length() -> None:
    assert color_of(0, 0) == color_of(0, 0, 4) == (255, 255, 255)
    assert color_of(2, 0, 4) == (255, 127, 127)
    assert color_of(4, 0, 4) == (255, 0, 0)
    assert color_of(8, 0, 4) == (191, 0, 0)


def test_longest_in_the_flow_is_saturated_and_the_rest_pales_with_it() -> None:
    flow = np.zeros((2, 1, 3), np.float32)
    flow[0] = 0, 3, 6
    np.testing.assert_array_equal(flow_to_color(flow)[0], [[255, 255, 255], [255, 127, 127], [255, 0, 0]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_flow_that_is_no_number_is_black(bad: float) -> None:
    assert color_of(bad, 1) == color_of(1, bad) == (0, 0, 0)
    flow = np.zeros((2, 1, 2), np.float32)
    flow[:, 0] = (3, bad), (0, 0)
    np.testing.assert_array_equal(flow_to_color(flow)[0], [[255, 0, 0], [0, 0, 0]])


def test_piece_colours_are_stable_and_distinct() -> None:
    many = piece_colors(200)
    assert many.shape == (200, 3)
    assert many.dtype == np.uint8
    np.testing.assert_array_equal(piece_colors(50), many[:50])
    assert len(np.unique(many, axis=0)) == 200
    assert piece_colors(0).shape == (0, 3)


def test_pieces_are_drawn_in_their_colours() -> None:
    label_map = np.array([[0, 1], [2, 1]], np.int32)
    drawn, colors = draw_pieces(label_map), piece_colors(3)
    np.testing.assert_array_equal(drawn, [[colors[0], colors[1]], [colors[2], colors[1]]])
    own = np.arange(9, dtype=np.uint8).reshape(3, 3)
    np.testing.assert_array_equal(draw_pieces(label_map, own)[1, 0], own[2])


def test_mutual_pieces_look_alike_and_the_others_grey() -> None:
    match01, rank_sum01 = np.array([2, 0, 2], np.int32), np.array([0, 0, 3], np.int32)
    colors0, colors1 = match_colors(match01, rank_sum01, 4)
    np.testing.assert_array_equal(colors0[0], colors1[2])
    np.testing.assert_array_equal(colors0[1], colors1[0])
    assert not np.array_equal(colors0[0], colors0[1])
    assert (colors0[2] == UNMATCHED_GRAY).all()
    assert (colors1[[1, 3]] == UNMATCHED_GRAY).all()
    nothing = np.zeros(0, np.int32)
    assert [c.shape for c in match_colors(nothing, nothing, 2)] == [(0, 3), (2, 3)]


def test_error_is_dark_where_equal_and_bright_where_not() -> None:
    truth = np.full((1, 3, 3), 100, np.uint8)
    frame = truth.copy()
    frame[0, 1, 2] += 20
    frame[0, 2, 0] -= 90
    drawn = error_map(frame, truth).astype(int).sum(axis=2)[0]
    assert drawn[0] < 20
    assert drawn[0] < drawn[1] < drawn[2]
    assert drawn[2] > 600


RED = np.full((40, 60, 3), (200, 10, 20), np.uint8)
WIDTH, HEIGHT = 120, 80  # of a tile, the pictures being 40 x 60


def test_tiles_stand_in_rows_under_the_title() -> None:
    sheet = arrange("two\nlines", [[Tile("a", RED), Tile("b", RED + 9)], [Tile("c", None, "gone")]], WIDTH)
    head = MARGIN + 2 * CAPTION_HEIGHT
    row = HEIGHT + CAPTION_HEIGHT + MARGIN
    assert sheet.shape == (head + MARGIN + 2 * row, MARGIN + 2 * (WIDTH + MARGIN), 3)
    top, second = head + MARGIN + CAPTION_HEIGHT, 2 * MARGIN + WIDTH
    assert (sheet[top : top + HEIGHT, MARGIN : MARGIN + WIDTH] == RED[0, 0]).all()
    assert (sheet[top : top + HEIGHT, second : second + WIDTH] == RED[0, 0] + 9).all()
    assert (sheet[top : top + HEIGHT, MARGIN + WIDTH : second] == BACKGROUND).all()
    missing = sheet[top + row : top + row + HEIGHT, MARGIN : MARGIN + WIDTH]
    assert (missing[-1] == missing[-1, 0]).all()
    assert not (missing[-1, 0] == BACKGROUND).all()
    assert len(np.unique(missing.reshape(-1, 3), axis=0)) > 2  # the note
    assert (sheet[top + row :, second:] == BACKGROUND).all()


@pytest.mark.parametrize("text", ["caption that is far too long " * 9, "x" * 400])
def test_long_captions_and_notes_stay_in_their_tile(text: str) -> None:
    sheet = arrange("", [[Tile(text, None, text), Tile("")], [Tile("", RED)]], WIDTH)
    bottom = 2 * MARGIN + CAPTION_HEIGHT + HEIGHT
    assert (sheet[: MARGIN + CAPTION_HEIGHT, 2 * MARGIN + WIDTH :] == BACKGROUND).all()
    assert (sheet[: bottom + 1, MARGIN + WIDTH + 2 : 2 * MARGIN + WIDTH] == BACKGROUND).all()
    assert (sheet[bottom + 1 : bottom + CAPTION_HEIGHT] == BACKGROUND).all()


def test_without_any_picture_tiles_are_wide() -> None:
    sheet = arrange("nothing", [[Tile("a", None, "no file")]], 160)
    head = MARGIN + CAPTION_HEIGHT
    assert sheet.shape == (head + MARGIN + 90 + CAPTION_HEIGHT + MARGIN, 2 * MARGIN + 160, 3)


@pytest.mark.parametrize("size", [(1, 900), (900, 1), (3, 2)])
def test_pictures_of_any_shape_find_room(size: tuple[int, int]) -> None:
    sheet = arrange("", [[Tile("odd", np.full((*size, 3), 200, np.uint8))]], 60)
    assert (sheet == 200).all(axis=2).any()


def test_moving_pieces_have_the_colours_of_their_matches() -> None:
    label_map0, label_map1 = np.array([[0, 1, 2]], np.int32), np.array([[1, 0, 0]], np.int32)
    drawn = draw_moves(label_map0, label_map1, np.array([1, 0, 0], np.int32), np.array([True, True, False]))
    own = piece_colors(2)
    np.testing.assert_array_equal(drawn[0], [own[1], own[0], [STILL] * 3, own[1], own[0], own[0]])
    assert drawn.dtype == np.uint8
