"""OpenEXR sequences: scene-linear values come out as they went in, and those between are mixed as light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from animeinterp.data.exr import encode_exr, read_linear, to_linear, to_visible
from animeinterp.data.images import read_deep, read_image, write_image
from tests.drawn_videos import drawing
from tests.pipeline.clip_sources import doubled
from tests.pipeline.small_runs import SMALL_NETWORK, Command, set_options

SIZE = (72, 128)


def linear_drawing(index: int) -> np.ndarray:
    """A lamp of 12 times white that moves before a dark gradient."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    image = np.repeat((0.05 + columns / 400)[..., None], 3, axis=2)
    image[(rows - 36) ** 2 + (columns - 40 - 4 * index) ** 2 < 200] = (12, 6, 0.5)
    return image.astype(np.float16).astype(np.float32)


def write_sequence(folder: Path, count: int, *, alpha: bool = False) -> Path:
    folder.mkdir()
    for index in range(count):
        image = linear_drawing(index)
        if alpha:
            share = np.ones((*SIZE, 1), np.float32)
            share[:8] = 0.5
            image = np.dstack([image * share, share])
        (folder / f"a.{1001 + 2 * index}.exr").write_bytes(encode_exr(image))
    return folder


@pytest.mark.parametrize("method", ["composite", "light"])
def test_frames_between_are_scene_linear(command: Command, tmp_path: Path, method: str) -> None:
    frames = write_sequence(tmp_path / "frames", 3)
    settings = [f"store.cache='{tmp_path / 'cache'}'", "executor.kind=inline", SMALL_NETWORK]
    settings += [f"synthesis.method={method}", *(["refinement.method=light"] if method == "light" else [])]
    out = tmp_path / "out" / "b.####.exr"
    code, said = command("interpolate", str(frames / "a.####.exr"), "-o", str(out), *set_options(settings))
    assert code == 0, said
    for number in (1001, 1003, 1005):
        original = (frames / f"a.{number}.exr").read_bytes()
        assert (tmp_path / "out" / f"b.{number}.exr").read_bytes() == original
    made = read_linear(tmp_path / "out" / "b.1002.exr")
    before, after = linear_drawing(0), linear_drawing(1)
    assert made.max() > 8  # the lamp is as bright as it was
    still = np.s_[:, 90:]
    np.testing.assert_allclose(made[still], before[still], rtol=2e-3 if method == "composite" else 0.3)
    assert np.abs(made - after).mean() < np.abs(before - after).mean()


def test_bars_and_fades_stay_linear(command: Command, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    for index in range(2):
        barred = np.zeros((96, 128, 3), np.float32)
        barred[12:84] = linear_drawing(index)
        (tmp_path / "frames" / f"{index}.exr").write_bytes(encode_exr(barred))
    settings = [f"store.cache='{tmp_path / 'cache'}'", "executor.kind=inline", SMALL_NETWORK]
    inputs = [str(tmp_path / "frames" / f"{index}.exr") for index in range(2)]
    code, said = command("interpolate", *inputs, "-o", str(tmp_path / "mid.exr"), *set_options(settings))
    assert code == 0, said
    made = read_linear(tmp_path / "mid.exr")
    assert not made[:12].any()
    np.testing.assert_allclose(made[12:84, 90:], linear_drawing(0)[:, 90:], rtol=2e-3)


def test_as_visible_images(tmp_path: Path) -> None:
    frames = write_sequence(tmp_path / "frames", 2)
    _, notes = doubled(frames, tmp_path / "out" / "%d.png")
    assert "32 bits per channel become 16: .png has no more" in notes
    expected = np.rint(to_visible(linear_drawing(0)) * 65535)
    np.testing.assert_array_equal(read_deep(tmp_path / "out" / "1001.png"), expected)
    doubled(frames, tmp_path / "out.mp4")


def test_visible_images_become_linear(tmp_path: Path) -> None:
    for index in range(2):
        write_image(tmp_path / "frames" / f"{index}.png", drawing(index))
    doubled(tmp_path / "frames", tmp_path / "out" / "%d.exr")
    expected = to_linear(drawing(0) / np.float32(255))
    for number in (0, 1):
        path = tmp_path / "out" / f"{number}.exr"
        np.testing.assert_allclose(read_linear(path), expected, rtol=1e-3)
        np.testing.assert_array_equal(read_image(path), drawing(0))


def test_transparency(tmp_path: Path) -> None:
    frames = write_sequence(tmp_path / "frames", 2, alpha=True)
    doubled(frames, tmp_path / "out" / "%d.exr")
    original, drawn = (read_linear(tmp_path / "out" / f"{number}.exr") for number in (1001, 1002))
    np.testing.assert_array_equal(original, read_linear(frames / "a.1001.exr"))
    assert np.abs(drawn[:8, :, 3] - 0.5).max() < 0.005
    assert (drawn[8:, :, 3] == 1).all()
