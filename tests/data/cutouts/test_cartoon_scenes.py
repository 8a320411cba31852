from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from animeinterp.data.cutouts import SetSettings, TrainingSet, write_training_set
from animeinterp.data.cutouts.cartoon_scenes import CartoonScene, draw_cartoon_scene

SIZE = (72, 96)


def _same(one: CartoonScene, other: CartoonScene) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("degraded", [False, True])
def test_the_same_seed_gives_the_same_scene_and_another_seed_another(degraded: bool) -> None:
    scene = draw_cartoon_scene(3, SIZE, degraded=degraded)
    assert scene.frames.shape == (3, *SIZE, 3)
    assert scene.frames.dtype == np.uint8
    assert scene.flows.shape == (2, 2, *SIZE)
    assert scene.occluded.shape == (2, *SIZE)
    assert _same(scene, draw_cartoon_scene(3, SIZE, degraded=degraded))
    assert not np.array_equal(scene.frames, draw_cartoon_scene(4, SIZE, degraded=degraded).frames)


def test_flows_lead_to_the_same_colours() -> None:
    differences = []
    for seed in range(6):
        frames, flows, occluded = draw_cartoon_scene(seed, SIZE, degraded=False)
        y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
        for source, target, flow, hidden in zip(frames[::2], frames[::-2], flows, occluded, strict=True):
            found = cv2.remap(target, x + flow[0], y + flow[1], cv2.INTER_LINEAR)
            differences.append(np.abs(found.astype(float) - source)[~hidden].mean())
    assert np.mean(differences) < 4  # of 255; along outlines alone


def test_what_leaves_the_window_is_occluded() -> None:
    left = 0
    for seed in range(8):
        _, flows, occluded = draw_cartoon_scene(seed, SIZE, degraded=False)
        y, x = np.mgrid[: SIZE[0], : SIZE[1]]
        for flow, hidden in zip(flows, occluded, strict=True):
            outside = (x + flow[0] < -0.5) | (x + flow[0] > SIZE[1] - 0.5)
            outside |= (y + flow[1] < -0.5) | (y + flow[1] > SIZE[0] - 0.5)
            assert hidden[outside].all()
            left += int(outside.sum())
    assert left > 100


def test_a_set_has_its_share_of_them(book_folder: Path, tmp_path: Path) -> None:
    settings = SetSettings(24, (40, 48), cartoons=0.5)
    write_training_set(book_folder, tmp_path, settings)
    stored = TrainingSet(tmp_path)
    assert stored.settings == settings
    seeds = [1_000_000_000 + stored.scene(i).seed for i in range(24)]
    drawn = [
        i
        for i, seed in enumerate(seeds)
        if np.array_equal(
            stored.scene(i).frames,
            draw_cartoon_scene(seed, (40, 48), degraded=stored.scene(i).degraded).frames,
        )
    ]
    assert 6 <= len(drawn) <= 18
    assert all(stored.scene(i).t == 0.5 for i in drawn)
