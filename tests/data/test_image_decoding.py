"""What each kind of image file is, by its bytes; and that nothing else is made of it."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from animeinterp.configs.errors import DataError
from animeinterp.data.image_decoding import read_header, read_pixels
from animeinterp.data.images import has_alpha, image_size, read_image, read_image_and_alpha, read_rgba
from tests.data.odd_images import bmp32, chunk, exif, png, tiff
from tests.project import ROOT

RGBA = np.random.default_rng(0).integers(0, 256, (6, 9, 4), np.uint8)
RGB = np.ascontiguousarray(RGBA[:, :, :3])
DEEP = np.random.default_rng(1).integers(0, 65536, (6, 9, 4), np.uint16)
ROUNDED = ((DEEP.astype(int) + 128) // 257).astype(np.uint8)
MASKS = (0xFF0000, 0xFF00, 0xFF)
ALPHA_MASK = 0xFF000000
CLEAR = np.dstack([RGB, np.zeros((6, 9), np.uint8)])
GREY_KEY = (b"tRNS", b"\0\x05")


def grey(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.dstack([values] * 3)


def keyed(values: npt.NDArray[np.generic], key: int, shown: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.dstack([grey(shown), np.where(values == key, 0, 255).astype(np.uint8)])


STEPS = np.arange(54, dtype=np.uint8).reshape(6, 9)
DEEP_STEPS = STEPS.astype(np.uint16) * 1000
ROUNDED_STEPS = ((DEEP_STEPS.astype(int) + 128) // 257).astype(np.uint8)


def premultiplied(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    top = np.iinfo(pixels.dtype).max
    done = pixels.copy()
    done[:, :, :3] = pixels[:, :, :3].astype(np.uint64) * pixels[:, :, 3:] // top
    return done


OPAQUE_ENOUGH = np.dstack([RGB, np.maximum(RGBA[:, :, 3], 128)])
DEEP_ENOUGH = np.dstack([DEEP[:, :, :3], np.maximum(DEEP[:, :, 3], 32768)])
ENOUGH = ((DEEP_ENOUGH.astype(int) + 128) // 257).astype(np.uint8)


@pytest.mark.parametrize(
    ("content", "expected", "tolerance"),
    [
        pytest.param(bmp32(CLEAR, masks=MASKS), RGB, 0, id="bmp, three masks, fourth byte 0"),
        pytest.param(bmp32(RGBA, masks=MASKS), RGB, 0, id="bmp, three masks, fourth byte anything"),
        pytest.param(bmp32(RGBA, 0), RGB, 0, id="bmp without masks"),
        pytest.param(bmp32(RGBA, masks=(*MASKS, 0), header=108), RGB, 0, id="bmp, alpha mask of nothing"),
        pytest.param(bmp32(RGBA, masks=(*MASKS, ALPHA_MASK), header=108), RGBA, 0, id="bmp with alpha"),
        pytest.param(
            bmp32(CLEAR, masks=(*MASKS, ALPHA_MASK), header=124),
            np.dstack([RGB, np.full((6, 9), 255, np.uint8)]),
            0,
            id="bmp with an empty alpha channel",
        ),
        pytest.param(png(STEPS, 0, GREY_KEY), keyed(STEPS, 5, STEPS), 0, id="grey png with a clear grey"),
        pytest.param(
            png(DEEP_STEPS, 0, (b"tRNS", (5000).to_bytes(2, "big"))),
            keyed(STEPS, 5, ROUNDED_STEPS),
            0,
            id="deep grey png with a clear grey",
        ),
        pytest.param(png(DEEP[:, :, :3], 2), ROUNDED[:, :, :3], 0, id="png of 16 bits"),
        pytest.param(png(DEEP, 6), ROUNDED, 0, id="png of 16 bits with alpha"),
        pytest.param(
            png(DEEP[:, :, :2], 4),
            np.dstack([grey(ROUNDED[:, :, 0]), ROUNDED[:, :, 1]]),
            0,
            id="deep grey png with alpha",
        ),
        pytest.param(
            png(RGB, 2, (b"tRNS", bytes([0, RGB[0, 0, 0], 0, RGB[0, 0, 1], 0, RGB[0, 0, 2]]))),
            np.dstack([RGB, np.where((RGB[0, 0] == RGB).all(axis=2), 0, 255).astype(np.uint8)]),
            0,
            id="png with a clear colour",
        ),
        pytest.param(tiff(RGBA, extra=0), RGB, 0, id="tiff, fourth channel unnamed"),
        pytest.param(tiff(RGBA, extra=2), RGBA, 0, id="tiff with alpha"),
        pytest.param(
            tiff(premultiplied(OPAQUE_ENOUGH), extra=1), OPAQUE_ENOUGH, 2, id="tiff with premultiplied alpha"
        ),
        pytest.param(tiff(DEEP, extra=0), ROUNDED[:, :, :3], 0, id="deep tiff, fourth channel unnamed"),
        pytest.param(tiff(DEEP, extra=2), ROUNDED, 0, id="deep tiff with alpha"),
        pytest.param(
            tiff(premultiplied(DEEP_ENOUGH), extra=1), ENOUGH, 1, id="deep tiff with premultiplied alpha"
        ),
        pytest.param(
            tiff(RGBA[:, :, :2], 1, extra=2),
            np.dstack([grey(RGBA[:, :, 0]), RGBA[:, :, 1]]),
            0,
            id="grey tiff with alpha",
        ),
        pytest.param(tiff(STEPS[:, :, None], 0), grey(255 - STEPS), 0, id="tiff, 0 is white"),
        pytest.param(
            tiff(DEEP[:, :, :1], 0),
            grey(((65535 - DEEP[:, :, 0].astype(int) + 128) // 257).astype(np.uint8)),
            0,
            id="deep tiff, 0 is white",
        ),
        pytest.param(tiff(RGB, planar=2), RGB, 0, id="tiff in planes"),
    ],
)
def test_pixels_are_what_the_file_says(
    tmp_path: Path, content: bytes, expected: npt.NDArray[np.uint8], tolerance: int
) -> None:
    path = tmp_path / "frame.png"  # what counts is the content
    path.write_bytes(content)
    pixels = read_pixels(path)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= tolerance
    assert has_alpha(path) == (expected.shape[2] == 4)
    assert image_size(path) == expected.shape[:2]
    rgba = read_rgba(path)
    assert (rgba is not None) == has_alpha(path)


def turned(pixels: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Upright pixels as they are kept where EXIF says this orientation."""
    undo = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, 1)
    kept = {1: pixels, 2: np.fliplr(pixels), 3: np.rot90(pixels, 2), 4: np.flipud(pixels)}
    kept |= {5: pixels.transpose(1, 0, 2), 6: np.rot90(pixels, -1), 8: np.rot90(pixels)}
    kept[7] = np.rot90(pixels, 2).transpose(1, 0, 2)
    return np.ascontiguousarray(kept[undo])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "deep PNG", "deep TIFF", "JPEG"])
def test_orientation_is_applied_to_size_and_pixels(tmp_path: Path, kind: str, orientation: int) -> None:
    path = tmp_path / "frame.png"
    flat = np.kron(RGBA[:3, :2, :3], np.ones((16, 16, 1), np.uint8)).astype(np.uint8)
    kept = turned(flat, orientation)
    about = Image.Exif()
    about[274] = orientation
    match kind:
        case "deep PNG":
            path.write_bytes(png(kept.astype(np.uint16) * 257, 2, (b"eXIf", exif(orientation))))
        case "deep TIFF":
            path.write_bytes(tiff(kept.astype(np.uint16) * 257, orientation=orientation))
        case _:
            options = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0}
            Image.fromarray(kept).save(path, kind, exif=about, **(options if kind != "PNG" else {}))
    assert image_size(path) == flat.shape[:2]
    assert read_header(path).orientation == orientation
    assert np.abs(read_image(path).astype(int) - flat).max() <= (8 if kind == "JPEG" else 0)


def test_orientation_behind_the_pixels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "frame.png").write_bytes(png(RGB, 2, after=chunk(b"eXIf", exif(6))))
    with pytest.raises(DataError, match="its orientation stands behind its pixels"):
        read_image(tmp_path / "frame.png")


@pytest.mark.parametrize("content", [b"junk", exif(9), exif(0), b"MM\0*" + b"\xff" * 20])
def test_metadata_that_is_damaged_asks_for_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "frame.png").write_bytes(png(RGB, 2, (b"eXIf", content)))
    np.testing.assert_array_equal(read_image(tmp_path / "frame.png"), RGB)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tiff(RGB.astype(np.float32), sample_format=3), "float32 pixels; expected 8 or 16 bits a channel"),
        (tiff(RGB.astype(np.float16), sample_format=3), "float16 pixels; expected 8 or 16 bits"),
        (tiff(STEPS[:, :, None].astype(np.uint32), 1), "uint32 pixels; expected 8 or 16 bits"),
        (tiff(STEPS[:, :, None].astype(np.int8), 1, sample_format=2), "int8 pixels; expected 8 or 16 bits"),
        (tiff(DEEP[:, :, :2], 1, extra=2), "a kind of TIFF that cannot be read"),
        (tiff(DEEP[:, :, :3], planar=2), "planes of their own; expected them interleaved"),
    ],
)
def test_depths_that_no_decoder_reads_are_refused_by_name(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "frame.tif").write_bytes(content)
    with pytest.raises(DataError, match=said):
        read_image(tmp_path / "frame.tif")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF"])
def test_several_pictures_are_named_where_one_is_expected(tmp_path: Path, kind: str) -> None:
    pictures = [Image.fromarray(np.roll(RGB, k, 1)) for k in range(3)]
    pictures[0].save(tmp_path / "frame.png", kind, save_all=True, append_images=pictures[1:])
    what = "pages" if kind == "TIFF" else "frames"
    assert read_header(tmp_path / "frame.png").pictures == 3
    with pytest.raises(DataError, match=rf"frame\.png: holds 3 {what}; expected one picture"):
        read_image(tmp_path / "frame.png")


def test_a_smaller_copy_beside_a_picture_is_no_second_one(tmp_path: Path) -> None:
    pictures = [Image.fromarray(RGB), Image.fromarray(RGB[:3, :4])]
    pictures[0].save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=pictures[1:])
    assert read_header(tmp_path / "phone.jpg").pictures == 1
    page = io.BytesIO()
    pictures[1].save(page, "TIFF", tiffinfo={254: 1})
    with Image.open(page) as small:
        small.encoderinfo = {"tiffinfo": {254: 1}}
        pictures[0].save(tmp_path / "scan.tif", save_all=True, append_images=[small])
    assert read_header(tmp_path / "scan.tif").pictures == 1
    np.testing.assert_array_equal(read_image(tmp_path / "scan.tif"), RGB)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp"])
def test_no_file_that_is_cut_is_taken_for_whole(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / f"whole{suffix}")
    content = (tmp_path / f"whole{suffix}").read_bytes()
    path = tmp_path / f"cut{suffix}"
    for length in range(1, len(content) - 16, 37):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=rf"cut{suffix}: "):
            read_image(path)


@pytest.mark.parametrize("pixels", [RGB, RGBA, DEEP[:, :, :3]])
def test_a_flipped_bit_never_changes_the_pixels_of_a_png(
    tmp_path: Path, pixels: npt.NDArray[np.uint8]
) -> None:
    whole = png(pixels, 6 if pixels.shape[2] == 4 else 2)
    path = tmp_path / "frame.png"
    path.write_bytes(whole)
    expected, refused = read_pixels(path), 0
    for position in range(len(whole)):
        content = bytearray(whole)
        content[position] ^= 8
        path.write_bytes(content)
        try:
            np.testing.assert_array_equal(read_pixels(path), expected)
        except DataError:
            refused += 1
    assert refused > 0.8 * len(whole)


@pytest.mark.parametrize("name", ["png", "deep", "jpg", "webp", "tif", "bmp", "gif"])
def test_whatever_the_bytes_nothing_but_a_refusal_comes_of_it(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    if name == "deep":
        buffer.write(png(DEEP, 6))
    else:
        Image.fromarray(RGB).save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(name, name.upper()))
    content = np.frombuffer(buffer.getvalue(), np.uint8)
    choice = np.random.default_rng(3)
    path = tmp_path / "frame.png"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(150):
            hurt = content.copy()
            places = choice.integers(0, min(len(hurt), 120), 4)
            hurt[places] = choice.integers(0, 256, 4, np.uint8)
            path.write_bytes(hurt.tobytes())
            with suppress(DataError):
                pixels = read_pixels(path)
                assert pixels.dtype == np.uint8
                assert pixels.shape[:2] == image_size(path)


@pytest.mark.parametrize("kind", ["png", "bmp"])
def test_a_picture_of_50000_by_50000_is_refused_before_it_is_decoded(tmp_path: Path, kind: str) -> None:
    content = bytearray(png(RGB, 2) if kind == "png" else bmp32(RGBA, 0))
    if kind == "png":
        content[8:33] = chunk(b"IHDR", (50_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0")
    else:
        content[18:26] = (50_000).to_bytes(4, "little") * 2
    (tmp_path / "frame.png").write_bytes(content)
    for look in (image_size, read_image):
        with pytest.raises(DataError, match="too large"):
            look(tmp_path / "frame.png")


def test_text_that_inflates_without_end_is_refused(tmp_path: Path) -> None:
    bomb = b"Comment\0\0" + zlib.compress(b"a" * 80_000_000)
    (tmp_path / "frame.png").write_bytes(png(RGB, 2, (b"zTXt", bomb)))
    with pytest.raises(DataError, match="damaged image"):
        read_image(tmp_path / "frame.png")


def test_scripts_in_place_of_pictures_are_never_run(tmp_path: Path) -> None:
    (tmp_path / "frame.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 6\n%%EndComments\nshowpage\n"
    )
    with pytest.raises(DataError, match="not an image"):
        read_image(tmp_path / "frame.png")


READ = """
import sys
from pathlib import Path
from animeinterp.data.images import read_image
read_image(Path(sys.argv[1]))
"""


def test_odd_metadata_leaves_the_terminal_alone(tmp_path: Path) -> None:
    path = tmp_path / "frame.png"
    path.write_bytes(png(RGB, 2, (b"iCCP", b"x\0\0garbage"), (b"cHRM", bytes(32)), (b"gAMA", bytes(4))))
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", READ, str(path)], cwd=ROOT, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP", "JPEG"])
def test_plain_images_are_read_as_opencv_reads_them(tmp_path: Path, kind: str, mode: str) -> None:
    """So that results of version 0.1, which asked OpenCV, are still good."""
    if (kind in ("BMP", "JPEG") and mode in ("RGBA", "LA", "P")) or (kind == "WEBP" and mode == "1"):
        pytest.skip(f"{kind} has no such mode")
    path = tmp_path / "frame.png"
    Image.fromarray(np.kron(RGBA, np.ones((5, 5, 1), np.uint8))).convert(mode).save(path, kind)
    if not read_header(path).read_as_ever:
        assert (kind, mode) in {("TIFF", "RGBA"), ("TIFF", "LA")}
        return
    raw = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    assert raw is not None
    channels = 1 if raw.ndim == 2 else raw.shape[2]
    way = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}[channels]
    np.testing.assert_array_equal(read_pixels(path), cv2.cvtColor(raw, way))


def test_what_was_read_otherwise_before_is_told(tmp_path: Path) -> None:
    path = tmp_path / "frame.png"
    for content in (
        png(RGB, 2, (b"eXIf", exif(6))),
        bmp32(RGBA, masks=MASKS),
        png(STEPS, 0, GREY_KEY),
        tiff(RGBA, extra=0),
        tiff(DEEP[:, :, :1], 0),
    ):
        path.write_bytes(content)
        assert not read_header(path).read_as_ever
    for content in (
        png(RGB, 2),
        png(RGBA, 6),
        bmp32(RGBA, 0),
        tiff(RGB),
        png(DEEP, 6),
        tiff(RGB, orientation=6),
    ):
        path.write_bytes(content)
        assert read_header(path).read_as_ever


def test_transparency_of_an_opaque_picture_is_opaque(tmp_path: Path) -> None:
    Image.fromarray(np.dstack([RGB, np.full((6, 9), 255, np.uint8)])).save(tmp_path / "frame.png")
    image, alpha = read_image_and_alpha(tmp_path / "frame.png")
    np.testing.assert_array_equal(image, RGB)
    assert alpha is not None
    assert (alpha == 255).all()
