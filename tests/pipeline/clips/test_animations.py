"""GIF and animated WebP, written by FFmpeg and read back by Pillow."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.images import Frame, encode_image, write_file, write_image
from animeinterp.pipeline.clips.writers import is_image, is_video
from tests.drawn_videos import drawing, write_video
from tests.pipeline.clip_sources import doubled


def images(folder: Path, count: int) -> Path:
    for number in range(count):
        write_image(folder / f"{number}.png", drawing(number))
    return folder


def in_blocks(image: Frame) -> np.ndarray:
    """Means of 8 x 8 px: dithering and coarse chroma are as good as what they stand for."""
    return image.reshape(6, 8, 8, 8, 3).astype(float).mean(axis=(1, 3))


@pytest.mark.parametrize(("name", "error"), [("out.gif", 3.0), ("out.webp", 3.0)])
def test_pictures_and_times(tmp_path: Path, name: str, error: float) -> None:
    source, _ = doubled(images(tmp_path / "frames", 5), tmp_path / name, rate="12.5")
    made = open_clip([tmp_path / name], ClipSection())
    assert made.size == source.size
    # What is drawn repeats what is before, and WebP joins equal pictures.
    frames = list(made.frames())
    assert sum((frame.duration for frame in frames), Fraction(0)) == pytest.approx(5 / 12.5, abs=0.04)
    for number, frame in enumerate(source.frames()):
        shown = next(other for other in frames if other.start <= frame.start < other.start + other.duration)
        assert shown.start == frame.start == Fraction(2 * number, 25)
        assert np.abs(in_blocks(shown.rgb()) - in_blocks(frame.rgb())).mean() < error


def test_webp_without_loss(tmp_path: Path) -> None:
    source, _ = doubled(images(tmp_path / "frames", 4), tmp_path / "out.webp", quality=0)
    made = list(open_clip([tmp_path / "out.webp"], ClipSection()).frames())
    for frame, other in zip(source.frames(), made, strict=True):
        np.testing.assert_array_equal(other.rgb(), frame.rgb())


def test_transparency(tmp_path: Path) -> None:
    for number in range(3):
        alpha = np.full((48, 64), 255, np.uint8)
        alpha[:, :20] = 0
        image = np.dstack([drawing(number), alpha])
        write_file(tmp_path / "frames" / f"{number}.png", encode_image("x.png", image))
    for name in ("out.gif", "out.webp"):
        _, notes = doubled(tmp_path / "frames", tmp_path / name)
        assert any("transparency becomes all or none" in note for note in notes) == (name == "out.gif")
        first = next(iter(open_clip([tmp_path / name], ClipSection()).frames()))
        alpha = first.alpha()
        assert alpha is not None
        assert not alpha[:, :20].any()
        assert (alpha[:, 20:] == 255).all()


def test_a_video_leaves_out_what_they_cannot_hold(tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mkv", 3, codec="ffv1", pixel_format="yuv420p10le")
    for name in ("out.gif", "out.webp"):
        _, notes = doubled(tmp_path / "movie.mkv", tmp_path / name)
        assert f"10 bits per channel become 8: {name[3:]} has no more" in notes
        assert f"sound and all else is left out: {name[3:]} has none of it" in notes
        (tmp_path / name).rename(tmp_path / f"first{name[3:]}")
        doubled(tmp_path / "movie.mkv", tmp_path / name)
        assert (tmp_path / name).read_bytes() == (tmp_path / f"first{name[3:]}").read_bytes()


def test_two_images_have_one_webp_between_them(tmp_path: Path) -> None:
    two, three = (open_clip([images(tmp_path / str(n), n)], ClipSection()) for n in (2, 3))
    write_video(tmp_path / "two.mkv", 2)
    movie = open_clip([tmp_path / "two.mkv"], ClipSection())
    webp = tmp_path / "out.webp"
    assert is_image(two, webp)
    assert not is_video(two, webp)
    for clip in (three, movie):
        assert is_video(clip, webp)
        assert not is_image(clip, webp)
    assert is_video(two, tmp_path / "out.gif")
    assert not is_video(three, tmp_path / "out_%04d.webp")
