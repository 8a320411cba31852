from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from animeinterp.configs.errors import DataError
from animeinterp.data.images import (
    encode_image,
    has_alpha,
    image_size,
    read_deep,
    read_image,
    read_image_and_alpha,
    to_uint8,
    write_file,
    write_image,
)

RED = np.full((6, 9, 3), (200, 30, 10), np.uint8)


def test_written_image_reads_back_as_rgb(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "frame.png"
    write_image(path, RED)
    assert [p.name for p in path.parent.iterdir()] == ["frame.png"]
    read = read_image(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, RED)
    assert image_size(path) == (6, 9)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("L", (90, 90, 90)), ("P", (200, 30, 10)), ("RGBA", (200, 30, 10)), ("1", (255, 255, 255))],
)
def test_other_kinds_of_8_bit_images_become_rgb(
    tmp_path: Path, mode: str, expected: tuple[int, int, int]
) -> None:
    picture = {
        "L": Image.new("L", (9, 6), 90),
        "P": Image.fromarray(RED).quantize(4),
        "RGBA": Image.new("RGBA", (9, 6), (200, 30, 10, 255)),
        "1": Image.new("1", (9, 6), 1),
    }[mode]
    picture.save(tmp_path / "frame.png")
    np.testing.assert_array_equal(read_image(tmp_path / "frame.png"), np.full((6, 9, 3), expected, np.uint8))


def test_transparent_pixels_lie_over_white(tmp_path: Path) -> None:
    Image.new("RGBA", (9, 6), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("RGBA", (9, 6), (0, 0, 0, 128)).save(tmp_path / "half.png")
    assert (read_image(tmp_path / "clear.png") == 255).all()
    assert (read_image(tmp_path / "half.png") == 127).all()


def test_16_bits_are_rounded_to_8(tmp_path: Path) -> None:
    values = np.array([[0, 128, 129, 257, 65535]], np.uint16)
    cv2.imwrite(str(tmp_path / "frame.png"), values)
    assert read_image(tmp_path / "frame.png")[0, :, 0].tolist() == [0, 0, 1, 1, 255]


def test_float_pixels_are_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "frame.tiff"), np.zeros((4, 4, 3), np.float32))
    with pytest.raises(DataError, match="float32 pixels; expected 8 or 16 bits"):
        read_image(tmp_path / "frame.tiff")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"empty file \(0 bytes\)"),
        (b"This is a letter, not a picture.", "not an image"),
    ],
)
def test_files_that_are_no_images_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "frame.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as refusal:
        read_image(path)
    assert str(path) in str(refusal.value)
    with pytest.raises(DataError):
        image_size(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_truncated_images_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"frame{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    write_image(path, noise)
    path.write_bytes(path.read_bytes()[:-2000])
    assert image_size(path) == (64, 64)
    with pytest.raises(DataError, match=r"damaged image .*truncated"):
        read_image(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.png", tmp_path):
        with pytest.raises(DataError, match=r"cannot be read|empty file"):
            read_image(path)
        with pytest.raises(DataError, match="cannot be read"):
            image_size(path)


def test_write_refuses_unknown_formats_and_bad_folders(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        write_image(tmp_path / "file" / "frame.png", RED)


def test_encoded_content_is_that_of_the_file(tmp_path: Path) -> None:
    for name in ("frame.png", "frame.jpg"):
        write_image(tmp_path / name, RED)
        assert (tmp_path / name).read_bytes() == encode_image(name, RED)


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".png", np.uint8), (".png", np.uint16), (".webp", np.uint8), (".tif", np.uint8), (".tif", np.uint16)],
)
def test_transparency_is_written_and_read(tmp_path: Path, suffix: str, dtype: type[np.generic]) -> None:
    pixels = np.zeros((6, 9, 4), np.uint8)
    pixels[:] = (200, 30, 10, 255)
    pixels[:3, :, 3] = 128
    path = tmp_path / f"frame{suffix}"
    path.write_bytes(encode_image(path.name, pixels.astype(dtype) * (257 if dtype is np.uint16 else 1)))
    image, alpha = read_image_and_alpha(path)
    assert has_alpha(path)
    assert alpha is not None
    np.testing.assert_array_equal(alpha, pixels[:, :, 3])
    assert image[0, 0].tolist() == [227, 142, 132]
    assert image[5, 5].tolist() == [200, 30, 10]


def test_images_without_transparency_have_none(tmp_path: Path) -> None:
    write_image(tmp_path / "frame.png", RED)
    assert not has_alpha(tmp_path / "frame.png")
    assert read_image_and_alpha(tmp_path / "frame.png")[1] is None


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_as_they_are(tmp_path: Path, suffix: str) -> None:
    deep = np.random.default_rng(5).integers(0, 65536, (6, 7, 4), np.uint16)
    path = tmp_path / f"deep{suffix}"
    write_file(path, encode_image(path.name, deep[..., :3].copy()))
    np.testing.assert_array_equal(read_deep(path), deep[..., :3])
    write_file(path, encode_image(path.name, deep))
    weight = deep[..., 3:] / 65535
    np.testing.assert_allclose(read_deep(path), deep[..., :3] * weight + 65535 * (1 - weight), atol=0.51)
    cv2.imwrite(str(path), deep[..., 0])
    np.testing.assert_array_equal(read_deep(path), np.repeat(deep[..., :1], 3, axis=2))
    np.testing.assert_array_equal(to_uint8(read_deep(path)), read_image(path))


def test_eight_bits_as_sixteen(tmp_path: Path) -> None:
    image = np.random.default_rng(6).integers(0, 256, (6, 7, 3), np.uint8)
    write_image(tmp_path / "plain.png", image)
    np.testing.assert_array_equal(read_deep(tmp_path / "plain.png"), image.astype(np.uint16) * 257)
