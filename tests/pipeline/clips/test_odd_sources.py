"""`animeinterp interpolate` on images that are damaged, animated, turned, or of rare kinds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animeinterp.data.image_decoding import read_header
from animeinterp.data.images import read_image, read_image_and_alpha, write_image
from tests.data.odd_images import bmp32, tiff
from tests.drawn_videos import drawing
from tests.pipeline.small_runs import Command, set_options

SIZE = (48, 64)
Interpolate = Callable[..., tuple[int, str]]


@pytest.fixture
def interpolate(command: Command, tmp_path: Path) -> Interpolate:
    """Interpolate without networks and matching, which these tests are not about."""
    settings = [f"store.cache={tmp_path / 'cache'}", "executor.kind=inline", "coarse_flow.method=zero"]

    def interpolate(source: object, *more: str, output: str = "out") -> tuple[int, str]:
        options = ["-o", str(tmp_path / output), *set_options(settings)]
        return command("interpolate", str(source), *options, *more)

    return interpolate


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    for index in range(5):
        write_image(tmp_path / "frames" / f"f{index + 1}.png", drawing(2 * index, SIZE))
    return tmp_path / "frames"


@pytest.mark.parametrize("damage", ["empty", "cut", "text"])
@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_damaged_frame_keeps_its_number_and_fails_the_command(
    interpolate: Interpolate, frames: Path, tmp_path: Path, number: int, damage: str
) -> None:
    path = frames / f"f{number}.png"
    path.write_bytes({"empty": b"", "cut": path.read_bytes()[:-300], "text": b"a letter"}[damage])
    for more, output in (((), "out"), (("-q",), "again")):
        code, said = interpolate(frames, *more, output=output)
        assert code == 1
        assert f"error: {path}: " in said  # with -q too
        assert "the frame before stands in for it" in said
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [
        f"frame_{k:06d}.png" for k in range(1, 10)
    ]
    for index in range(5):
        if index + 1 != number:
            copied = tmp_path / "out" / f"frame_{2 * index + 1:06d}.png"
            assert copied.read_bytes() == (frames / f"f{index + 1}.png").read_bytes()


def test_images_none_of_which_can_be_read_are_refused_with_the_reason(
    interpolate: Interpolate, tmp_path: Path
) -> None:
    (tmp_path / "floats").mkdir()
    for number in range(3):
        content = tiff(np.zeros((*SIZE, 3), np.float32), sample_format=3)
        (tmp_path / "floats" / f"{number}.tif").write_bytes(content)
    code, said = interpolate(tmp_path / "floats")
    assert code == 2
    assert "none of 3 images can be read; the first: " in said
    assert "0.tif: float32 pixels; expected 8 or 16 bits a channel; convert the file" in said


@pytest.mark.parametrize(("name", "kind"), [("a.webp", "WEBP"), ("a.png", "PNG"), ("a.tif", "TIFF")])
def test_animations_and_pages_are_interpolated(
    interpolate: Interpolate, tmp_path: Path, name: str, kind: str
) -> None:
    pictures = [Image.fromarray(drawing(3 * k, SIZE)) for k in range(3)]
    times = {} if kind == "TIFF" else {"duration": 100, "lossless": True}
    pictures[0].save(tmp_path / name, kind, save_all=True, append_images=pictures[1:], **times)
    code, said = interpolate(tmp_path / name)
    assert code == 0, said
    written = sorted((tmp_path / "out").iterdir())
    assert len(written) == 5
    for index in range(3):
        np.testing.assert_array_equal(read_image(written[2 * index]), drawing(3 * index, SIZE))


def test_frames_that_exif_turns_come_out_upright_and_all_alike(
    interpolate: Interpolate, tmp_path: Path
) -> None:
    (tmp_path / "frames").mkdir()
    for index in range(3):
        about = Image.Exif()
        about[274] = 6
        kept = np.ascontiguousarray(np.rot90(drawing(3 * index, SIZE)))
        Image.fromarray(kept).save(
            tmp_path / "frames" / f"{index}.jpg", exif=about, quality=98, subsampling=0
        )
    for output in ("png/%d.png", "jpg/%d.jpg"):  # in their own format they cannot be copied
        code, said = interpolate(tmp_path / "frames", output=output)
        assert code == 0, said
        assert "turned upright as EXIF asks" in said
        for number in range(5):
            header = read_header(tmp_path / output.replace("%d", str(number)))
            assert (header.size, header.orientation) == (SIZE, 1)
    assert np.abs(read_image(tmp_path / "png" / "2.png").astype(int) - drawing(3, SIZE)).mean() < 8


def test_channels_that_are_no_transparency_show_nothing_through(
    interpolate: Interpolate, tmp_path: Path
) -> None:
    (tmp_path / "frames").mkdir()
    for index in range(2):
        pixels = np.dstack([drawing(3 * index, SIZE), np.zeros(SIZE, np.uint8)])
        content = bmp32(pixels, masks=(0xFF0000, 0xFF00, 0xFF))
        (tmp_path / "frames" / f"{index}.bmp").write_bytes(content)
    code, said = interpolate(tmp_path / "frames")
    assert code == 0, said
    for number, index in ((1, 0), (3, 1)):
        image, alpha = read_image_and_alpha(tmp_path / "out" / f"frame_{number:06d}.png")
        np.testing.assert_array_equal(image, drawing(3 * index, SIZE))
        assert alpha is None
