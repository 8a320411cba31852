from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.animation import AnimationClip
from animeinterp.data.clips.image_sequence import ImageClip
from animeinterp.data.clips.opening import open_clip

RATE = Fraction(12)
SHADES = (10, 120, 250)
MILLISECONDS = [100, 500, 2000]


def write_animation(path: Path, kind: str, alpha: bool = False, **more: object) -> None:
    pictures = []
    for shade in SHADES:
        pixels = np.full((24, 32, 4), shade, np.uint8)
        pixels[:, :, 3] = 255
        if alpha:
            pixels[:12, :, 3] = 0
        pictures.append(Image.fromarray(pixels).convert("RGBA" if alpha else "RGB"))
    options = {"lossless": True} if kind == "WEBP" else {}
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], **options, **more)


@pytest.mark.parametrize(("name", "kind"), [("a.webp", "WEBP"), ("a.png", "PNG"), ("a.png", "GIF")])
@pytest.mark.parametrize("alpha", [False, True])
def test_animations_are_clips_with_their_own_times(tmp_path: Path, name: str, kind: str, alpha: bool) -> None:
    more = {"disposal": 2} if kind == "GIF" else {}
    write_animation(tmp_path / name, kind, alpha, duration=MILLISECONDS, **more)
    clip = open_clip([tmp_path / name], ClipSection(rate="12"))
    assert isinstance(clip, AnimationClip)
    assert (clip.name, clip.size, clip.has_alpha, clip.expected_frames) == ("a", (24, 32), alpha, 3)
    assert (clip.problems, clip.damage, clip.files) == ((), (), ())
    assert clip.rate == Fraction(30, 26)
    for _ in range(2):
        frames = list(clip.frames())
        assert [frame.start for frame in frames] == [0, Fraction(1, 10), Fraction(6, 10)]
        assert [frame.duration for frame in frames] == [Fraction(ms, 1000) for ms in MILLISECONDS]
        for frame, shade in zip(frames, SHADES, strict=True):
            assert (frame.rgb()[12:] == shade).all()
            transparency = frame.alpha()
            assert (transparency is not None) == alpha
            if transparency is not None:
                assert (transparency[:12] == 0).all()
                assert (transparency[12:] == 255).all()
                assert (frame.rgb()[:12] == 255).all()


def test_a_rate_of_24_in_an_animated_png_is_exact(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.png", "PNG", duration=1000 / 24)
    clip = AnimationClip(tmp_path / "a.png", RATE)
    assert clip.rate == 24 or abs(clip.rate - 24) < Fraction(1, 100)
    assert clip.rate == 3 / sum(frame.duration for frame in clip.frames())


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_frames_without_a_duration_are_shown_as_browsers_show_them(tmp_path: Path, kind: str) -> None:
    write_animation(tmp_path / "a.png", kind, duration=0)
    durations = [frame.duration for frame in AnimationClip(tmp_path / "a.png", RATE).frames()]
    assert durations == [Fraction(1, 10)] * 3


def test_what_stands_for_an_animation_elsewhere_is_no_frame_of_it(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.png", "PNG", duration=MILLISECONDS, default_image=True)
    clip = AnimationClip(tmp_path / "a.png", RATE)
    assert [int(frame.rgb()[0, 0, 0]) for frame in clip.frames()] == list(SHADES[1:])
    assert clip.expected_frames == 2


def test_pages_go_by_the_rate_given(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.tif", "TIFF")
    clip = open_clip([tmp_path / "a.tif"], ClipSection(rate="12"))
    assert [frame.start for frame in clip.frames()] == [Fraction(k, 12) for k in range(3)]
    assert [int(frame.rgb()[0, 0, 0]) for frame in clip.frames()] == list(SHADES)
    slower = open_clip([tmp_path / "a.tif"], ClipSection(rate="6"))
    assert (
        slower.digest() != clip.digest() == open_clip([tmp_path / "a.tif"], ClipSection(rate="12")).digest()
    )


def test_pages_of_unlike_sizes_are_refused(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (32, 24)), Image.new("RGB", (20, 24))]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(DataError, match="page 2 is 20x24 pixels and the first 32x24"):
        AnimationClip(tmp_path / "a.tif", RATE)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_frames_behind_damage_keep_their_numbers(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    noise = np.random.default_rng(0).integers(0, 256, (3, 24, 32, 3), np.uint8)
    pictures = [Image.fromarray(picture) for picture in noise]
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], duration=100, lossless=True)
    content = bytearray(path.read_bytes())
    content[-900:-700] = bytes(200)  # in the last picture
    path.write_bytes(content)
    clip = AnimationClip(path, RATE)
    frames = list(clip.frames())
    assert [frame.start for frame in frames] == [Fraction(k, 10) for k in range(3)]
    np.testing.assert_array_equal(frames[1].rgb(), noise[1])
    if kind == "PNG":  # WebP has no checksums
        np.testing.assert_array_equal(frames[2].rgb(), noise[1])
        assert "frames from number 3 on cannot be decoded" in clip.damage[0]


def test_an_animation_that_changed_since_it_was_opened_is_told(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.png", "PNG", duration=100)
    clip = AnimationClip(tmp_path / "a.png", RATE)
    Image.new("RGB", (32, 24)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="has changed since it was opened"):
        list(clip.frames())
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        clip.digest()


def test_an_animation_of_one_frame_is_one_image(tmp_path: Path) -> None:
    Image.new("RGB", (32, 24)).save(tmp_path / "a.webp", save_all=True)
    with pytest.raises(DataError, match="one image, but motion needs two"):
        open_clip([tmp_path / "a.webp"], ClipSection())


def test_animations_among_images_are_named(tmp_path: Path) -> None:
    Image.new("RGB", (32, 24)).save(tmp_path / "a1.png")
    write_animation(tmp_path / "a2.png", "PNG", duration=100)
    clip = open_clip([tmp_path], ClipSection())
    assert isinstance(clip, ImageClip)
    assert len(list(clip.frames())) == 2
    assert "a2.png: holds 3 frames; expected one picture" in clip.damage[0]
