from __future__ import annotations

from dataclasses import fields

import cv2
import numpy as np
import pytest

from animeinterp.data.cutouts import Book, CutoutScene, draw_scene
from animeinterp.data.cutouts.degradation import Degradation
from animeinterp.data.cutouts.layers import Motion
from animeinterp.data.cutouts.scene import scene_of
from tests.drawn_cutouts import backdrop, patch

SIZE = (64, 80)


def _same(one: CutoutScene, other: CutoutScene) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


def test_shapes_and_types(book: Book) -> None:
    scene = draw_scene(book, 3, SIZE, (0.25, 0.5, 0.9))
    for frame in (scene.frame0, *scene.middle, scene.frame1):
        assert frame.shape == (*SIZE, 3)
        assert frame.dtype == np.uint8
    assert len(scene.middle) == 3
    for flow in (scene.flow01, scene.flow10):
        assert flow.shape == (2, *SIZE)
        assert flow.dtype == np.float32
        assert np.isfinite(flow).all()
    for mask in (scene.occluded01, scene.occluded10):
        assert mask.shape == SIZE
        assert mask.dtype == np.bool_
    for owners in (scene.owners0, scene.owners1):
        assert owners.shape == SIZE
        assert owners.max() <= len(scene.drawings) <= 8


def test_the_same_seed_gives_the_same_scene_and_another_seed_another(book: Book) -> None:
    for seed in range(4):
        scene = draw_scene(book, seed, SIZE)
        assert _same(scene, draw_scene(book, seed, SIZE))
        assert not np.array_equal(scene.frame0, draw_scene(book, seed + 1, SIZE).frame0)


@pytest.mark.parametrize("degraded", [False, True])
def test_times_change_nothing_else(book: Book, degraded: bool) -> None:
    some = draw_scene(book, 5, SIZE, (0.5,), degraded=degraded)
    more = draw_scene(book, 5, SIZE, (0.1, 0.5, 0.7), degraded=degraded)
    none = draw_scene(book, 5, SIZE, (), degraded=degraded)
    assert np.array_equal(some.middle[0], more.middle[1])
    for name in ("frame0", "frame1", "flow01", "flow10", "occluded01", "occluded10", "owners0", "owners1"):
        assert np.array_equal(getattr(some, name), getattr(more, name))
        assert np.array_equal(getattr(some, name), getattr(none, name))
    assert none.middle == ()


def test_times_near_the_ends_give_the_frames_there(book: Book) -> None:
    scene = draw_scene(book, 8, SIZE, (1e-7, 1 - 1e-7), degraded=False)
    for end, near in ((scene.frame0, scene.middle[0]), (scene.frame1, scene.middle[1])):
        assert np.abs(end.astype(int) - near).max() <= 1


def _gap(scene: CutoutScene, aside: float, where: np.ndarray) -> float:
    """Mean difference of frame 0 and frame 1 warped by the flow, `aside` pixels too far to the right."""
    height, width = scene.owners0.shape
    x = scene.flow01[0] + np.arange(width, dtype=np.float32) + np.float32(aside)
    y = scene.flow01[1] + np.arange(height, dtype=np.float32)[:, None]
    warped = cv2.remap(scene.frame1, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return float(np.abs(warped.astype(int) - scene.frame0)[where].mean())


def test_frames_warped_back_agree_outside_occlusion(book: Book) -> None:
    """Outlines are sharp, so bilinear sampling alone costs some levels; a wrong flow costs far more."""
    right, aside, unmoved = [], [], []
    for seed in range(20):
        scene = draw_scene(book, seed, (96, 112), degraded=False)
        moves = ~scene.occluded01 & (np.hypot(*scene.flow01) > 2)
        if moves.sum() >= 200:
            right.append(_gap(scene, 0, moves))
            aside.append(min(_gap(scene, 0.5, moves), _gap(scene, -0.5, moves)))
            unmoved.append(np.abs(scene.frame1.astype(int) - scene.frame0)[moves].mean())
    assert len(right) > 8
    assert np.median(right) < 4
    assert max(right) < 8
    assert np.mean(right) < 0.25 * np.mean(unmoved)
    assert (np.array(right) < 0.9 * np.array(aside)).all()


def test_occlusion_agrees_with_the_layer_maps(book: Book) -> None:
    for seed in range(8):
        scene = draw_scene(book, seed, (96, 112), degraded=False)
        for flow, occluded, here, there in (
            (scene.flow01, scene.occluded01, scene.owners0, scene.owners1),
            (scene.flow10, scene.occluded10, scene.owners1, scene.owners0),
        ):
            x = np.rint(flow[0] + np.arange(112)).astype(int)
            y = np.rint(flow[1] + np.arange(96)[:, None]).astype(int)
            outside = (x < 0) | (x > 111) | (y < 0) | (y > 95)
            found = there[np.clip(y, 0, 95), np.clip(x, 0, 111)]
            rough = outside | (found != here)
            # The nearest pixel may have another owner only at the layers' borders.
            border = cv2.morphologyEx(there, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
            near = border[np.clip(y, 0, 95), np.clip(x, 0, 111)]
            assert np.array_equal(rough[~near], occluded[~near])
            assert (rough != occluded).mean() < 0.03


def test_splits_use_other_drawings(book: Book) -> None:
    names = {
        split: {
            name for seed in range(12) for name in draw_scene(book, seed, (16, 16), (), split=split).drawings
        }
        for split in ("training", "validation")
    }
    assert names["training"].isdisjoint(names["validation"])
    assert names["validation"] <= {drawing.name for drawing in book.of("validation")}


def test_half_of_the_scenes_are_degraded_and_their_truth_is_that_of_the_clean_ones(book: Book) -> None:
    degraded = [draw_scene(book, seed, (16, 16)).degradation is not None for seed in range(40)]
    assert 10 < sum(degraded) < 30
    clean, worn = (draw_scene(book, 2, SIZE, degraded=way) for way in (False, True))
    assert clean.degradation is None
    assert worn.degradation is not None
    assert not np.array_equal(clean.frame0, worn.frame0)
    assert np.array_equal(clean.flow01, worn.flow01)
    assert np.array_equal(clean.owners1, worn.owners1)


def test_layers_of_ones_own_make_a_scene() -> None:
    layers = [backdrop(SIZE), patch((40.0, 30.0), own=Motion((4.0, -2.0)))]
    clean = scene_of(layers, SIZE)
    assert (clean.flow01[:, clean.owners0 == 1] == np.array([[4.0], [-2.0]])).all()
    worn = scene_of(layers, SIZE, degradation=Degradation(grain=2.0))
    assert not np.array_equal(clean.frame0, worn.frame0)
    still = scene_of(layers[:1], SIZE, degradation=Degradation(quality=50))
    assert np.array_equal(still.frame0, still.frame1)
    assert not still.flow01.any()
