from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import animeinterp
from animeinterp.configs.errors import ConfigError
from animeinterp.data.cartoon import draw_triplet
from animeinterp.data.images import read_image
from animeinterp.pipeline.planning.session import Session
from tests.pipeline.small_runs import Opener, Runner

FAST = {"refinement": {"method": "none"}, "synthesis": {"method": "blend"}}


@pytest.fixture(scope="module")
def frames() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    triplet = draw_triplet(1, style="Japan", size=(72, 128))
    return triplet.frame0, triplet.frame1


def pair_of(session: Session) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The frames of the first pair."""
    first, second = (session.manifest.frames[k].path for k in session.manifest.pairs[0].frames)
    return read_image(first), read_image(second)


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        ["data.style=anime", "refinement.method=inverse_search", "synthesis.method=composite"],
        ["coarse_flow.method=zero", "refinement.method=light", "synthesis.method=light"],
        ["synthesis.dtype=float16", "data.style=disney"],
    ],
)
def test_the_frame_is_that_of_a_run(run: Runner, open_session: Opener, given: list[str]) -> None:
    given = [*given, "refinement.precision=float32", "synthesis.precision=float32"]
    assert run(*given, last="synthesis", limit=1).succeeded
    session = open_session(*given)
    location = session.current.locate("synthesis", 0)
    assert location is not None
    wanted = location.read()["frames"]
    wanted = wanted if wanted.dtype == np.uint8 else np.rint(wanted.astype(np.float32) * 255).astype(np.uint8)
    drawn = animeinterp.interpolate(*pair_of(session), config="demo", settings=given)
    np.testing.assert_array_equal(drawn, wanted[0])


def test_one_time_gives_a_frame_and_several_give_several(
    frames: tuple[NDArray[np.uint8], NDArray[np.uint8]],
) -> None:
    middle = animeinterp.interpolate(*frames, settings=FAST)
    assert (middle.shape, middle.dtype) == ((72, 128, 3), np.uint8)
    several = animeinterp.interpolate(*frames, [0.25, 0.5], settings=FAST)
    assert several.shape == (2, 72, 128, 3)
    np.testing.assert_array_equal(several[1], middle)
    assert (several[0] != middle).any()


def test_settings_count(frames: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    plain = animeinterp.interpolate(*frames, settings={**FAST, "coarse_flow": {"method": "zero"}})
    mean = (frames[0].astype(np.float32) + frames[1]) / 2
    np.testing.assert_allclose(plain, mean, atol=1)
    assert (animeinterp.interpolate(*frames, settings=FAST) != plain).any()


def test_frames_need_not_lie_in_one_piece(frames: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    turned = tuple(np.ascontiguousarray(frame[:, ::-1])[:, ::-1] for frame in frames)
    np.testing.assert_array_equal(
        animeinterp.interpolate(*turned, settings=FAST), animeinterp.interpolate(*frames, settings=FAST)
    )


def test_what_cannot_be_drawn_is_refused(frames: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    first, second = frames
    with pytest.raises(ValueError, match=r"frame1 has shape \(70, 128, 3\) and frame0 \(72, 128, 3\)"):
        animeinterp.interpolate(first, second[:70])
    with pytest.raises(ValueError, match="frame1 is of dtype float32, expected uint8"):
        animeinterp.interpolate(first, second.astype(np.float32))
    with pytest.raises(ValueError, match="lie between 0 and 1"):
        animeinterp.interpolate(first, second, 1.0)
    with pytest.raises(ConfigError, match="refinement.methd"):
        animeinterp.interpolate(first, second, settings={"refinement": {"methd": "none"}})
    given = {"coarse_flow": {"method": "imported", "imported_from": "flows"}}
    with pytest.raises(ConfigError, match="two arrays have none"):
        animeinterp.interpolate(first, second, settings=given)
