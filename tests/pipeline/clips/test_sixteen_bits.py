"""Images of 16 bits a channel keep them, frames between included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.images import DeepFrame, encode_image, read_deep, read_image, write_file, write_image
from animeinterp.pipeline.clips.writers import prepare_output
from tests.drawn_videos import drawing
from tests.pipeline.clip_sources import doubled
from tests.pipeline.small_runs import SMALL_NETWORK, Command, set_options

SIZE = (72, 128)
METHODS = pytest.mark.parametrize(
    ("method", "still"), [("refinement.method=inverse_search", 2), ("refinement.method=light", 8)]
)
"""And how far from its original what stands still may be, of 65535; a step of 8 bits is 257."""


def deep_drawing(index: int) -> DeepFrame:
    """A disc that moves over a gradient of half a level of 8 bits a column."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    grey = 20_000 + 128.5 * columns + 3 * rows
    image = np.repeat(grey[..., None], 3, axis=2)
    image[(rows - 36) ** 2 + (columns - 40 - 4 * index) ** 2 < 200] = (60_001, 9_003, 5_007)
    return np.rint(image).astype(np.uint16)


def write_deep(folder: Path, count: int, suffix: str = ".png", *, alpha: bool = False) -> Path:
    for index in range(count):
        image = deep_drawing(index)
        if alpha:
            clear = np.full(SIZE, 65535, np.uint16)
            clear[:8] = 0
            image = np.dstack([image, clear])
        write_file(folder / f"{index}{suffix}", encode_image(f"x{suffix}", image))
    return folder


@METHODS
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_frames_between_have_sixteen_bits(
    command: Command, tmp_path: Path, suffix: str, method: str, still: int
) -> None:
    frames = write_deep(tmp_path / "frames", 3, suffix)
    settings = [f"store.cache='{tmp_path / 'cache'}'", "executor.kind=inline", SMALL_NETWORK, method]
    out = str(tmp_path / "out" / f"%d{suffix}")
    code, said = command("interpolate", str(frames), "-o", out, *set_options(settings))
    assert code == 0, said
    for number in (0, 2, 4):
        original = (frames / f"{number // 2}{suffix}").read_bytes()
        assert (tmp_path / "out" / f"{number}{suffix}").read_bytes() == original
    made = read_deep(tmp_path / "out" / f"1{suffix}")
    before, after = read_deep(frames / f"0{suffix}"), read_deep(frames / f"1{suffix}")
    assert not np.array_equal(made, before)
    place = np.s_[:, 90:]  # where nothing moves, all of the gradient is there
    np.testing.assert_allclose(made[place].astype(int), before[place].astype(int), atol=still)
    assert len(np.unique(made[place])) > 256
    assert np.abs(made.astype(int) - after).mean() < np.abs(before.astype(int) - after).mean()


@METHODS
def test_the_image_between_two_and_one_with_bars(
    command: Command, tmp_path: Path, method: str, still: int
) -> None:
    for index in range(2):
        barred = np.zeros((96, 128, 3), np.uint16)
        barred[12:84] = deep_drawing(index)
        write_file(tmp_path / f"{index}.png", encode_image("x.png", barred))
    settings = [f"store.cache='{tmp_path / 'cache'}'", "executor.kind=inline", SMALL_NETWORK, method]
    inputs = [str(tmp_path / f"{index}.png") for index in range(2)]
    code, said = command("interpolate", *inputs, "-o", str(tmp_path / "mid.png"), *set_options(settings))
    assert code == 0, said
    made = read_deep(tmp_path / "mid.png")
    assert made.shape == (96, 128, 3)
    assert not made[:12].any()
    np.testing.assert_allclose(made[12:84, 90:].astype(int), deep_drawing(0)[:, 90:].astype(int), atol=still)


def test_a_sequence_has_one_depth(tmp_path: Path) -> None:
    frames = write_deep(tmp_path / "frames", 2)
    write_image(frames / "2.png", drawing(2, SIZE))
    doubled(frames, tmp_path / "out" / "%d.png")
    for number, expected in ((0, deep_drawing(0)), (4, read_deep(frames / "2.png"))):
        path = tmp_path / "out" / f"{number}.png"
        assert open_clip([path, path], ClipSection()).bits == 16
        np.testing.assert_array_equal(read_deep(path), expected)


def test_another_format_and_transparency_keep_all_bits(tmp_path: Path) -> None:
    frames = write_deep(tmp_path / "frames", 2, alpha=True)
    clip, notes = doubled(frames, tmp_path / "out" / "%d.tif")
    assert notes == ()
    assert clip.has_alpha
    np.testing.assert_array_equal(read_deep(tmp_path / "out" / "0.tif")[8:], deep_drawing(0)[8:])


def test_a_video_of_them_has_as_many_bits_as_its_codec(tmp_path: Path) -> None:
    frames = write_deep(tmp_path / "frames", 2)
    _, notes = doubled(frames, tmp_path / "out.mkv", codec="ffv1")
    assert not [note for note in notes if "become" in note]
    doubled(tmp_path / "out.mkv", tmp_path / "back" / "%d.png", factor=1)
    np.testing.assert_allclose(
        read_deep(tmp_path / "back" / "1.png").astype(int), deep_drawing(0).astype(int), atol=1
    )


def test_fewer_bits_are_told(tmp_path: Path) -> None:
    frames = write_deep(tmp_path / "frames", 2)
    section = ClipSection()
    target = prepare_output(open_clip([frames], section), tmp_path / "out" / "%d.jpg", section)
    assert target.notes == ("16 bits per channel become 8: .jpg has no more",)
    assert target.bits == 8
    doubled(frames, tmp_path / "out" / "%d.webp")
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "0.webp"), read_image(frames / "0.png"))
