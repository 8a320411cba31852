from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from animeinterp.configs.sections import TrainingSection
from animeinterp.pipeline.training.augmentation import Example, augment, crop, mirror, swap, turn


def moving_texture(shift: tuple[int, int] = (3, -2), size: tuple[int, int] = (40, 44)) -> Example:
    """A texture that moves by whole pixels, right and down."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (size[0] + 20, size[1] + 20, 3), np.uint8)
    x, y = shift
    frames = [
        texture[10 - dy : 10 - dy + size[0], 10 - dx : 10 - dx + size[1]] for dx, dy in ((0, 0), (x, y))
    ]
    flow = np.broadcast_to(np.array(shift, np.float32)[:, None, None], (2, *size))
    occluded = np.zeros((2, *size), np.bool_)
    flows = np.stack([flow, -flow])
    return Example(np.stack([frames[0], frames[0], frames[1]]), flows, occluded, 0.25, flows)


def follows_its_flows(example: Example) -> bool:
    """Whether visible pixels look the same where they go; at least some are visible."""
    for source, other, flow, occluded in zip(
        example.frames[[0, 2]], example.frames[[2, 0]], example.flows, example.occluded, strict=True
    ):
        y, x = np.nonzero(~occluded)
        to_x, to_y = x + flow[0, y, x].astype(int), y + flow[1, y, x].astype(int)
        if not len(y) or not np.array_equal(source[y, x], other[to_y, to_x]):
            return False
    return np.array_equal(example.start, example.flows)


@pytest.mark.parametrize("change", [mirror, turn, swap, lambda example: turn(turn(turn(example)))])
def test_flows_stay_exact(change: Callable[[Example], Example]) -> None:
    part = crop(moving_texture(), 3, 5, 32)
    assert follows_its_flows(part)
    changed = change(part)
    assert follows_its_flows(changed)
    assert not np.array_equal(changed.frames, part.frames)


def test_four_quarters_are_a_whole_turn() -> None:
    part = crop(moving_texture(), 0, 0, 32)
    turned = turn(turn(turn(turn(part))))
    assert np.array_equal(turned.frames, part.frames)
    assert np.array_equal(turned.flows, part.flows)


def test_pixels_that_leave_the_crop_are_occluded() -> None:
    part = crop(moving_texture((3, 0)), 0, 0, 32)
    assert part.occluded[0, :, -3:].all()
    assert part.occluded[1, :, :3].all()
    assert not part.occluded[0, :, :-3].any()


def test_chance_is_the_generators_alone_and_swapping_turns_time_back() -> None:
    section = TrainingSection(crop=32, recolour=0.0)
    seen = set()
    for seed in range(20):
        first, again = (augment(moving_texture(), section, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(first.frames, again.frames)
        assert first.frames.shape == (3, 32, 32, 3)
        assert follows_its_flows(first)
        seen.add((first.t, tuple(first.flows[0, :, 0, 0])))
    assert {t for t, _ in seen} == {0.25, 0.75}
    assert len({flow for _, flow in seen}) > 4


def test_recolouring_changes_all_frames_alike() -> None:
    section = TrainingSection(crop=32, recolour=1.0, mirror=False, rotate=False, swap=False)
    result = augment(moving_texture(), section, np.random.default_rng(1))
    assert follows_its_flows(result)
    assert result.frames.dtype == np.uint8
