from __future__ import annotations

from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from animeinterp.configs.errors import DataError
from animeinterp.data.clips.image_sequence import ImageClip
from animeinterp.data.images import write_image
from tests.data.odd_images import bmp32, tiff

RATE = Fraction(24)


def write_shades(folder: Path, names: list[str], size: tuple[int, int] = (4, 6)) -> list[Path]:
    """Grey images, each of a shade of its own."""
    for index, name in enumerate(names):
        write_image(folder / name, np.full((*size, 3), 10 * index, np.uint8))
    return [folder / name for name in names]


def test_images_are_frames_at_the_rate_given(tmp_path: Path) -> None:
    paths = write_shades(tmp_path, ["a1.png", "a2.png", "a3.png"])
    clip = ImageClip("a", paths, Fraction(24000, 1001))
    assert (clip.name, clip.size, clip.rate, clip.has_alpha) == ("a", (4, 6), Fraction(24000, 1001), False)
    assert clip.sources == tuple(paths)
    for _ in range(2):
        frames = list(clip.frames())
        assert [(frame.index, frame.path) for frame in frames] == list(enumerate(paths))
        assert [frame.start for frame in frames] == [index * Fraction(1001, 24000) for index in range(3)]
        assert {frame.duration for frame in frames} == {Fraction(1001, 24000)}
        assert [int(frame.rgb()[0, 0, 0]) for frame in frames] == [0, 10, 20]
        assert frames[0].alpha() is None
    assert clip.problems == ()


def test_digest_depends_on_contents_order_and_rate(tmp_path: Path) -> None:
    paths = write_shades(tmp_path, ["1.png", "2.png"])
    digest = ImageClip("a", paths, RATE).digest()
    assert ImageClip("b", paths, RATE).digest() == digest
    assert ImageClip("a", paths[::-1], RATE).digest() != digest
    assert ImageClip("a", paths, Fraction(25)).digest() != digest
    write_image(paths[1], np.full((4, 6, 3), 99, np.uint8))
    assert ImageClip("a", paths, RATE).digest() != digest
    clip = ImageClip("a", paths, RATE)
    paths[0].unlink()
    with pytest.raises(DataError, match=r"1\.png: cannot be read"):
        clip.digest()


@pytest.mark.parametrize("kind", ["no image", "truncated", "empty", "animated"])
def test_unreadable_images_keep_their_numbers(tmp_path: Path, kind: str) -> None:
    paths = write_shades(tmp_path, [f"{index}.png" for index in range(7)], (40, 60))
    for broken in (paths[0], paths[1], paths[4], paths[6]):
        content = {"no image": b"a letter", "truncated": broken.read_bytes()[:-40], "empty": b""}
        if kind == "animated":
            Image.new("RGB", (60, 40)).save(
                broken, save_all=True, append_images=[Image.new("RGB", (60, 40), 9)]
            )
        else:
            broken.write_bytes(content[kind])
    clip = ImageClip("a", paths, RATE)
    for _ in range(2):
        frames = list(clip.frames())
        shown = [paths[index] for index in (2, 2, 2, 3, 3, 5, 5)]
        assert [frame.path for frame in frames] == shown
        assert [int(frame.rgb()[0, 0, 0]) for frame in frames] == [20, 20, 20, 30, 30, 50, 50]
        assert [(frame.index, 24 * frame.start, 24 * frame.duration) for frame in frames] == [
            (index, index, 1) for index in range(7)
        ]
    assert clip.files[:3] == tuple(shown[:3])  # what stages read: pairs consist of first frames of drawings
    assert len(clip.damage) == 4
    assert clip.damage == clip.problems
    assert all("(the frame before stands in for it)" in line for line in clip.damage)
    assert str(paths[0]) in clip.damage[0]


def test_images_none_of_which_can_be_read_are_refused(tmp_path: Path) -> None:
    paths = write_shades(tmp_path, ["0.png", "1.png"])
    for path in paths:
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"none of 2 images can be read; the first: .*0\.png: empty file"):
        ImageClip("a", paths, RATE)


def test_images_none_of_which_can_be_decoded_are_refused_with_the_reason(tmp_path: Path) -> None:
    for number in range(3):
        content = tiff(np.zeros((4, 6, 3), np.float32), sample_format=3)
        (tmp_path / f"{number}.tif").write_bytes(content)
    paths = sorted(tmp_path.iterdir())
    with pytest.raises(
        DataError, match=r"none of 3 images can be read; the first: .*float32 pixels; expected 8"
    ):
        ImageClip("a", paths, RATE)


def test_an_image_that_goes_after_the_clip_was_opened_is_told(tmp_path: Path) -> None:
    paths = write_shades(tmp_path, ["0.png", "1.png"])
    clip = ImageClip("a", paths, RATE)
    paths[0].unlink()
    with pytest.raises(DataError, match=r"0\.png.*it could be read when the clip was opened"):
        list(clip.frames())


def test_images_are_turned_upright_and_then_are_no_files_to_copy(tmp_path: Path) -> None:
    upright = np.zeros((6, 4, 3), np.uint8)
    upright[0] = (200, 100, 50)
    about = Image.Exif()
    about[274] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(upright))).save(tmp_path / "0.png", exif=about)
    write_image(tmp_path / "1.png", upright)
    clip = ImageClip("a", [tmp_path / "0.png", tmp_path / "1.png"], RATE)
    assert clip.size == (6, 4)
    turned, plain = clip.frames()
    np.testing.assert_array_equal(turned.rgb(), upright)
    assert (turned.path, plain.path) == (None, tmp_path / "1.png")
    assert clip.damage == ()
    assert "0.png: turned upright as EXIF asks" in clip.problems[0]


def test_digest_of_images_that_were_read_otherwise_before_is_another(tmp_path: Path) -> None:
    pixels = np.full((4, 6, 4), 9, np.uint8)
    plain, odd = bmp32(pixels, 0), bmp32(pixels, masks=(0xFF0000, 0xFF00, 0xFF))
    for content, same in ((plain, True), (odd, False)):
        for number in range(2):
            (tmp_path / f"{number}.bmp").write_bytes(content)
        clip = ImageClip("a", sorted(tmp_path.iterdir()), RATE)
        former = sha256(b"24\n" + 2 * sha256(content).digest()).hexdigest()  # of version 0.1
        assert (clip.digest() == former) == same


def test_images_of_unlike_sizes_are_refused_by_name(tmp_path: Path) -> None:
    paths = write_shades(tmp_path, ["0.png", "1.png", "2.png", "3.png"])
    for odd in (paths[1], paths[3]):
        write_image(odd, np.zeros((5, 6, 3), np.uint8))
    write_image(tmp_path / "4.png", np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(
        DataError,
        match=r"1\.png: 6x5 pixels, but 3 of 5 images are 6x4 \(and 1 more differ\); .*scale or remove",
    ):
        ImageClip("a", [*paths, tmp_path / "4.png"], RATE)


def test_an_image_replaced_by_one_of_another_size_counts_as_damaged(tmp_path: Path) -> None:
    paths = write_shades(tmp_path, ["0.png", "1.png"])
    clip = ImageClip("a", paths, RATE)
    write_image(paths[1], np.zeros((5, 6, 3), np.uint8))
    assert [frame.path for frame in clip.frames()] == [paths[0], paths[0]]
    assert "6x5 now, and 6x4 when opened" in clip.problems[0]


def test_transparency_of_some_is_transparency_of_all(tmp_path: Path) -> None:
    paths = write_shades(tmp_path, ["0.png", "1.png"])
    Image.new("RGBA", (6, 4), (200, 30, 10, 128)).save(paths[1])
    clip = ImageClip("a", paths, RATE)
    assert clip.has_alpha
    opaque, clear = (frame.alpha() for frame in clip.frames())
    assert opaque is not None
    assert clear is not None
    assert (opaque == 255).all()
    assert (clear == 128).all()
    *_, frame = clip.frames()
    assert frame.rgb()[0, 0].tolist() == [227, 142, 132]


def test_missing_numbers_are_told(tmp_path: Path) -> None:
    paths = write_shades(tmp_path, ["frame_0001.png", "frame_0003.png", "frame_0009.png"])
    (problem,) = ImageClip("a", paths, RATE).problems
    assert "6 of the numbers 1 to 9 missing (2, 4, 5, 6, 7, ...)" in problem
    assert ImageClip("a", write_shades(tmp_path, ["a.png", "c.png"]), RATE).problems == ()


def test_colours_other_than_srgb_are_told(tmp_path: Path) -> None:
    def profile(kind: str) -> bytes:
        return ImageCms.ImageCmsProfile(ImageCms.createProfile(kind)).tobytes()  # type: ignore[arg-type]

    plain = [tmp_path / f"{index}.png" for index in range(2)]
    for path in plain:
        Image.new("RGB", (6, 4), (200, 30, 10)).save(path, icc_profile=profile("sRGB"))
    assert ImageClip("a", plain, RATE).notes == ()
    others = [tmp_path / f"x{index}.png" for index in range(2)]
    for path in others:
        Image.new("RGB", (6, 4), (200, 30, 10)).save(path, icc_profile=profile("XYZ"))
    (note,) = ImageClip("a", others, RATE).notes
    assert note.startswith(f"{others[0]} and 1 more: colours of 'XYZ ")
    assert "convert the images to sRGB" in note
    Image.new("CMYK", (6, 4), (200, 30, 10, 0)).save(tmp_path / "c.jpg")
    (note,) = ImageClip("a", [plain[0], tmp_path / "c.jpg"], RATE).notes
    assert note.startswith(f"{tmp_path / 'c.jpg'}: colours of 'CMYK' are read as sRGB")
    Image.new("RGB", (6, 4), (200, 30, 10)).save(plain[0], icc_profile=b"damaged")
    assert ImageClip("a", plain, RATE).notes == ()
