from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
import pytest

from animeinterp.data.clips.pictures import (
    PictureConverter,
    PictureKind,
    Turner,
    kind_of,
    off_white,
    over_white,
)
from tests.drawn_videos import planes

Planes = npt.NDArray[np.float64]
SIZE = (18, 34)


def picture_of(
    values: npt.NDArray[np.uint16], pixel_format: str, matrix: int, value_range: int
) -> av.VideoFrame:
    """A picture with these planes, all of full size."""
    picture = av.VideoFrame(values.shape[2], values.shape[1], pixel_format)
    deep = picture.format.components[0].bits > 8
    for plane, content in zip(picture.planes, values, strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        raw = content.astype("<u2" if deep else np.uint8).view(np.uint8)
        rows[:, : raw.shape[1]] = raw
        plane.update(rows.tobytes())
    picture.colorspace, picture.color_range = matrix, value_range
    return picture


def expected_rgb(values: npt.NDArray[np.uint16], bits: int, matrix: int, full: bool) -> Planes:
    """ITU-R BT.601 and BT.709, and their scaling to integers, in floating point."""
    red, blue = (0.2126, 0.0722) if matrix == 1 else (0.299, 0.114)
    scale = 2.0 ** (bits - 8)
    low, luma, chroma = (0, 2**bits - 1, 2**bits - 1) if full else (16 * scale, 219 * scale, 224 * scale)
    y = (values[0] - low) / luma
    cb, cr = ((plane - 128.0 * scale) / chroma for plane in values[1:3].astype(float))
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.clip(np.stack([r, g, b], -1), 0, 1) * 255


@pytest.mark.parametrize("matrix", [1, 6], ids=["BT.709", "BT.601"])
@pytest.mark.parametrize("value_range", [1, 2], ids=["limited", "full"])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_rgb_is_that_of_the_standard_for_every_colour(bits: int, value_range: int, matrix: int) -> None:
    values = np.random.default_rng(0).integers(0, 2**bits, (3, *SIZE)).astype(np.uint16)
    picture = picture_of(values, "yuv444p" if bits == 8 else f"yuv444p{bits}le", matrix, value_range)
    image, alpha = PictureConverter().rgb(picture)
    assert alpha is None
    assert image.dtype == np.uint8
    assert np.abs(image - expected_rgb(values, bits, matrix, value_range == 2)).max() < 0.6


@pytest.mark.parametrize(("height", "matrix"), [(718, 6), (720, 1)])
def test_unknown_matrix_goes_by_height(height: int, matrix: int) -> None:
    values = np.full((3, height, 16), 90, np.uint16)
    image, _ = PictureConverter().rgb(picture_of(values, "yuv444p", 2, 0))
    np.testing.assert_allclose(image[0, 0], expected_rgb(values[:, :1, :1], 8, matrix, False)[0, 0], atol=0.6)


@pytest.mark.parametrize("pixel_format", ["yuva444p", "yuva444p10le", "bgra", "gbrap10le"])
def test_transparency_comes_out_and_colours_lie_over_white(pixel_format: str) -> None:
    shades = np.zeros((16, 32, 4), np.uint8)
    shades[..., 3] = np.linspace(0, 255, 32).astype(np.uint8)
    source = av.VideoFrame.from_ndarray(shades, format="rgba")
    picture = PictureConverter().convert(source, PictureKind(pixel_format, 1, 1))
    image, alpha = PictureConverter().rgb(picture)
    assert alpha is not None
    # FFmpeg's scaler rounds what it makes of RGBA up now and then; what is opaque or clear stays so.
    np.testing.assert_array_equal(alpha[:, [0, -1]], shades[:, [0, -1], 3])
    assert np.abs(alpha.astype(int) - shades[..., 3]).max() <= 1
    assert np.abs(image[..., 0].astype(int) - (255 - shades[..., 3])).max() <= 2


def test_colours_lifted_off_white_lie_over_it_as_before() -> None:
    generator = np.random.default_rng(0)
    colors = generator.integers(0, 256, (40, 50, 3), np.uint8)
    alpha = generator.integers(0, 256, (40, 50), np.uint8)
    image = over_white(colors, alpha)
    np.testing.assert_array_equal(over_white(off_white(image, alpha), alpha), image)


@pytest.mark.parametrize("value_range", [1, 2])
@pytest.mark.parametrize("pixel_format", ["yuv444p", "yuv444p10le", "gbrp", "bgr0"])
def test_rgb_there_and_back_is_the_same_within_rounding(pixel_format: str, value_range: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    kind = PictureKind(pixel_format, 1, value_range)
    picture = PictureConverter().convert(av.VideoFrame.from_ndarray(image, format="rgb24"), kind)
    assert kind_of(picture).format == pixel_format
    back, _ = PictureConverter().rgb(picture)
    assert np.abs(back.astype(int) - image).max() <= (3 if pixel_format == "yuv444p" else 1)


def test_full_range_by_another_name_is_the_same_picture() -> None:
    values = np.random.default_rng(0).integers(0, 256, (3, *SIZE)).astype(np.uint16)
    old = picture_of(values, "yuvj444p", 6, 2)
    new = PictureConverter().convert(old, PictureKind("yuv444p", 6, 2))
    assert planes(old) == planes(new)


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_turning_moves_every_pixel_and_changes_none(degrees: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)
    picture = av.VideoFrame.from_ndarray(image, format="rgb24")
    picture.pts, picture.time_base = 0, Fraction(1)
    turned = Turner(degrees).upright(picture).to_ndarray()
    np.testing.assert_array_equal(turned, np.rot90(image, degrees // 90))
