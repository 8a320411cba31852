from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.exr import encode_exr, exr_size, is_exr, read_linear, straight, to_linear, to_visible
from animeinterp.data.image_decoding import read_header
from animeinterp.data.images import image_size, read_deep, read_image, read_image_and_alpha, read_linear_frame

HALVES = np.random.default_rng(3).random((6, 9, 4)).astype(np.float16)


def written(path: Path, pixels: np.ndarray) -> Path:
    path.write_bytes(encode_exr(pixels))
    return path


def save(path: Path, channels: dict[str, np.ndarray], **header: object) -> Path:
    with OpenEXR.File({"type": OpenEXR.scanlineimage, **header}, channels) as file:
        file.write(str(path))
    return path


@pytest.mark.parametrize("channels", [3, 4])
def test_halves_come_back(tmp_path: Path, channels: int) -> None:
    path = written(tmp_path / "a.exr", HALVES[..., :channels] * np.float16(20))
    assert is_exr(path)
    assert exr_size(path) == ((6, 9), channels == 4)
    np.testing.assert_array_equal(read_linear(path), (HALVES[..., :channels] * np.float16(20)))
    header = read_header(path)
    assert (header.size, header.bits, header.has_alpha) == ((6, 9), 32, channels == 4)
    assert image_size(path) == (6, 9)


def test_the_curve_of_srgb() -> None:
    values = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(to_linear(to_visible(values)), values, atol=2e-6)
    np.testing.assert_allclose(to_visible(np.array([0.0, 0.18, 1.0, 9.0])), [0, 0.4613561, 1, 1], atol=1e-6)


def test_visible_images(tmp_path: Path) -> None:
    levels = np.arange(6 * 9 * 3, dtype=np.uint8).reshape(6, 9, 3)
    path = tmp_path / "a.exr"
    save(path, {"RGB": to_linear(levels / np.float32(255))})
    np.testing.assert_array_equal(read_image(path), levels)
    np.testing.assert_array_equal(read_deep(path), levels.astype(np.uint16) * 257)


def test_transparency_is_premultiplied(tmp_path: Path) -> None:
    pixels = np.array([[[0.25, 0.1, 0, 0.5], [0, 0, 0, 0], [3, 1, 0.5, 1]]], np.float16)
    path = written(tmp_path / "a.exr", pixels)
    shown = straight(read_linear(path))
    np.testing.assert_allclose(shown[0, 0], [*to_visible(np.array([0.5, 0.2, 0])), 0.5], atol=1e-3)
    np.testing.assert_allclose(
        read_linear_frame(path)[0], [[0.75, 0.6, 0.5], [1, 1, 1], [3, 1, 0.5]], atol=1e-3
    )
    image, alpha = read_image_and_alpha(path)
    assert alpha is not None
    assert alpha.tolist() == [[128, 0, 255]]
    assert image[0, 1].tolist() == [255, 255, 255]


def test_grey_odd_values_and_windows(tmp_path: Path) -> None:
    grey = np.full((4, 5), 0.5, np.float32)
    grey[0, :3] = np.nan, np.inf, -1
    path = save(
        tmp_path / "a.exr",
        {"Y": grey},
        dataWindow=(np.array([1, 1], np.int32), np.array([5, 4], np.int32)),
        displayWindow=(np.array([0, 0], np.int32), np.array([3, 7], np.int32)),
    )
    assert exr_size(path) == ((8, 4), False)
    found = read_linear(path)
    assert found.shape == (8, 4, 3)
    assert not found[0].any()
    assert not found[5:].any()
    assert found[1, :, 1].tolist() == [0, 0, 65504, 0]
    assert found[2, :, 2].tolist() == [0, 0.5, 0.5, 0.5]


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.exr", HALVES)
    (tmp_path / "cut.exr").write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=r"cut\.exr: damaged image"):
        read_image(tmp_path / "cut.exr")
    depth = save(tmp_path / "depth.exr", {"Z": np.zeros((4, 5), np.float32)})
    with pytest.raises(DataError, match=r"depth\.exr: channels Z; expected R, G and B, or Y"):
        read_header(depth)
    assert not is_exr(tmp_path / "missing.exr")
