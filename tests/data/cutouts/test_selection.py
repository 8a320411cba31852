from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animeinterp.configs.errors import DataError
from animeinterp.data.cutouts.selection import (
    drawn_box,
    find_pictures,
    judge_picture,
    read_drawing,
    reason_by_pixels,
)
from tests.drawn_cutouts import cutout, write_cutouts


def _judge(folder: Path, name: str, pixels: np.ndarray) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return judge_picture(folder, path).why_not


def test_a_drawing_is_kept_with_its_digest_and_size(tmp_path: Path) -> None:
    path = write_cutouts(tmp_path, 2)[1]
    verdict = judge_picture(tmp_path, path)
    assert verdict.kept
    assert verdict.name == "animals/drawing_001.png"
    assert verdict.size == (72, 60)
    assert verdict.digest == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "name", ["flags/a.png", "icon_a.png", "left-arrow.png", "Gradients/a.png", "a_pattern.png"]
)
def test_names_leave_out_what_is_no_drawing(tmp_path: Path, name: str) -> None:
    assert _judge(tmp_path, name, cutout(0)).startswith("its name contains")


def test_words_count_only_whole_and_only_below_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "icons"
    assert not _judge(folder, "flagstone.png", cutout(0))


def _with_alpha(alpha: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 255, (*alpha.shape, 3))
    return np.concatenate([colours, alpha[..., None]], axis=2).astype(np.uint8)


def _box(height: int, width: int, alpha: int = 255) -> np.ndarray:
    whole = np.zeros((200, 400))
    whole[10 : 10 + height, 10 : 10 + width] = alpha
    return whole


def test_pixels_leave_out_what_is_no_drawing() -> None:
    sparse = np.zeros((100, 100))
    sparse[::4, ::4] = 255
    glass = np.zeros((100, 100))
    glass[:50], glass[50:] = 255, 60
    glass[:25, :25] = 0
    glass[-1, -1] = 255
    expected = {
        "wholly transparent": np.zeros((100, 100)),
        "too small": _box(40, 100),
        "too elongated": _box(60, 310),
        "nearly transparent": sparse,
        "a filled rectangle": _box(100, 100),
        "mostly translucent": glass,
    }
    for reason, alpha in expected.items():
        assert reason_by_pixels(_with_alpha(alpha)).startswith(reason), reason
    plain = cutout(0)
    plain[..., :3] = 90
    assert reason_by_pixels(plain) == "of one tone"


def test_headers_leave_out_small_and_opaque_pictures(tmp_path: Path) -> None:
    assert _judge(tmp_path, "small.png", cutout(0)[:40]).startswith("too small: 40x60")
    assert _judge(tmp_path, "opaque.png", cutout(0)[..., :3]) == "no transparency"
    assert _judge(tmp_path, "long.png", np.zeros((50, 6001, 4), np.uint8)).startswith("too large")


@pytest.mark.parametrize("keep", [0, 20, -90])
def test_a_damaged_picture_is_noted(tmp_path: Path, keep: int) -> None:
    path = write_cutouts(tmp_path, 1)[0]
    path.write_bytes(path.read_bytes()[:keep])
    verdict = judge_picture(tmp_path, path)
    assert not verdict.kept
    assert verdict.why_not.startswith("damaged or unreadable: ")
    assert str(tmp_path) not in verdict.why_not
    assert verdict.digest


def test_a_missing_picture_is_noted(tmp_path: Path) -> None:
    verdict = judge_picture(tmp_path, tmp_path / "gone.png")
    assert verdict.why_not.startswith("cannot be read")
    assert verdict.size is None
    assert verdict.digest == ""


def test_a_palette_with_transparency_is_read(tmp_path: Path) -> None:
    path = tmp_path / "palette.png"
    image = Image.fromarray(cutout(0)).quantize(32)
    image.save(path)
    pixels = read_drawing(path)
    assert pixels is not None
    assert np.array_equal(pixels[..., 3] > 127, cutout(0)[..., 3] > 127)


def test_a_damaged_drawing_is_an_error(tmp_path: Path) -> None:
    path = write_cutouts(tmp_path, 1)[0]
    path.write_bytes(path.read_bytes()[:-90])
    with pytest.raises(DataError, match="drawing_000.png: damaged image"):
        read_drawing(path)


def test_box_of_what_is_drawn() -> None:
    assert drawn_box(_with_alpha(_box(30, 50))) == (slice(10, 40), slice(10, 60))
    assert drawn_box(_with_alpha(_box(30, 50, alpha=20))) == (slice(0, 0), slice(0, 0))
    assert drawn_box(_with_alpha(_box(30, 50, alpha=20)), 8) == (slice(10, 40), slice(10, 60))


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder; expected a folder of RGBA pictures"):
        find_pictures(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(DataError, match=r"found no .png files; expected RGBA pictures"):
        find_pictures(tmp_path)
