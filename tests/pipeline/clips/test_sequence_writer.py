from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.images import read_image, read_image_and_alpha, read_rgba, write_image
from animeinterp.pipeline.clips.sequence_writer import sequence_name
from animeinterp.pipeline.clips.timeline import Cadence
from animeinterp.pipeline.clips.writers import prepare_output
from tests.drawn_videos import decoded, drawing, write_video
from tests.pipeline.clip_sources import doubled

CADENCE = Cadence(2, Fraction(24), Fraction(1, 24), Fraction(1, 24))


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    for index in range(3):
        write_image(tmp_path / "frames" / f"f{index}.png", drawing(index))
    return tmp_path / "frames"


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_frames_are_numbered_and_image_files_copied(tmp_path: Path, frames: Path) -> None:
    doubled(frames, tmp_path / "out")
    assert listing(tmp_path / "out") == [f"frame_{number:06}.png" for number in range(1, 7)]
    for index in range(3):
        original = (frames / f"f{index}.png").read_bytes()
        assert (tmp_path / "out" / f"frame_{2 * index + 1:06}.png").read_bytes() == original
        np.testing.assert_array_equal(
            read_image(tmp_path / "out" / f"frame_{2 * index + 2:06}.png"), drawing(index)
        )
    assert listing(tmp_path) == ["frames", "out"]


def test_frames_between_keep_their_numbers(tmp_path: Path, frames: Path) -> None:
    doubled(frames, tmp_path / "out" / "between_%04d.png", only_between=True)
    assert listing(tmp_path / "out") == ["between_0001.png", "between_0003.png", "between_0005.png"]


def sequence(folder: Path, numbers: range) -> Path:
    for number in numbers:
        write_image(folder / f"shot_v2.{number}.png", drawing(number - numbers.start))
    return folder / "shot_v2.####.png"


def test_numbers_are_kept_where_there_is_room_for_those_between(tmp_path: Path) -> None:
    pattern = sequence(tmp_path / "frames", range(1001, 1008, 2))
    clip, _ = doubled(pattern, tmp_path / "out" / "shot.####.png")
    assert listing(tmp_path / "out") == [f"shot.{number}.png" for number in range(1001, 1009)]
    for number in range(1001, 1008, 2):
        original = (tmp_path / "frames" / f"shot_v2.{number}.png").read_bytes()
        assert (tmp_path / "out" / f"shot.{number}.png").read_bytes() == original
    assert clip.problems == ()
    doubled(pattern, tmp_path / "between" / "shot.%05d.png", only_between=True)
    assert listing(tmp_path / "between") == [f"shot.0{number}.png" for number in range(1002, 1009, 2)]


def test_without_room_frames_are_counted_from_the_first_number(tmp_path: Path) -> None:
    pattern = sequence(tmp_path / "frames", range(1001, 1005))
    doubled(pattern, tmp_path / "out" / "shot.####.png")
    assert listing(tmp_path / "out") == [f"shot.{number}.png" for number in range(1001, 1009)]
    doubled(pattern, tmp_path / "folder")
    assert listing(tmp_path / "folder")[0] == "frame_000001.png"


def test_what_is_no_placeholder(tmp_path: Path) -> None:
    assert sequence_name(tmp_path / "take ##2").folder == tmp_path / "take ##2"
    assert sequence_name(tmp_path / "a#1_%d.png").file(7) == "a#1_7.png"
    with pytest.raises(ConfigError, match="a pattern has one number"):
        sequence_name(tmp_path / "####_%d.png")


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".tif"])
def test_the_pattern_says_the_format(tmp_path: Path, frames: Path, suffix: str) -> None:
    doubled(frames, tmp_path / "out" / f"x%d{suffix}")
    assert listing(tmp_path / "out") == [f"x{number}{suffix}" for number in range(6)]
    written = read_image(tmp_path / "out" / f"x0{suffix}")
    if suffix in (".webp", ".tif"):
        np.testing.assert_array_equal(written, drawing(0))
    assert np.abs(written.astype(int) - drawing(0)).mean() < 30


def test_frames_of_a_video_are_written_in_their_colours(tmp_path: Path) -> None:
    write_video(tmp_path / "source.mkv", 2, codec="ffv1", pixel_format="bgr0")
    doubled(tmp_path / "source.mkv", tmp_path / "out")
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "frame_000003.png"), drawing(1))


def test_deep_originals_are_written_with_16_bits(tmp_path: Path) -> None:
    write_video(tmp_path / "source.mkv", 2, codec="ffv1", pixel_format="gbrp12le")
    clip, _ = doubled(tmp_path / "source.mkv", tmp_path / "out")
    written = cv2.imread(str(tmp_path / "out" / "frame_000001.png"), cv2.IMREAD_UNCHANGED)
    assert written.dtype == np.uint16
    assert decoded(tmp_path / "source.mkv")[0].format.name == "gbrp12le"
    frame = next(iter(clip.frames()))
    assert np.abs(read_image(tmp_path / "out" / "frame_000001.png").astype(int) - frame.rgb()).max() <= 1
    assert cv2.imread(str(tmp_path / "out" / "frame_000002.png"), cv2.IMREAD_UNCHANGED).dtype == np.uint8


def test_transparency_is_kept_in_png_and_missed_in_jpeg(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    pixels = np.zeros((6, 8, 4), np.uint8)
    pixels[:] = (200, 30, 10, 255)
    pixels[:3, :, 3] = 128
    for index in range(2):
        Image.fromarray(pixels).save(tmp_path / "frames" / f"{index}.png")
    _, notes = doubled(tmp_path / "frames", tmp_path / "out")
    assert notes == ()
    _, alpha = read_image_and_alpha(tmp_path / "out" / "frame_000002.png")
    assert alpha is not None
    np.testing.assert_array_equal(alpha, pixels[:, :, 3])
    _, notes = doubled(tmp_path / "frames", tmp_path / "jpeg" / "%d.jpg")
    assert "transparency is replaced" in notes[0]


def test_a_shorter_sequence_replaces_a_longer_one_and_nothing_else(tmp_path: Path, frames: Path) -> None:
    doubled(frames, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(
        ConfigError, match=r"out: already contains images \(frame_000001\.png\); add --overwrite"
    ):
        doubled(frames, tmp_path / "out")
    doubled([frames / "f2.png", frames / "f1.png"], tmp_path / "out", overwrite=True)
    assert listing(tmp_path / "out") == [f"frame_{number:06}.png" for number in range(1, 5)] + ["notes.txt"]
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "frame_000001.png"), drawing(2))


def test_nothing_is_left_without_an_end(tmp_path: Path, frames: Path) -> None:
    clip = open_clip([frames], ClipSection())
    for output in (tmp_path / "out", tmp_path / "there" / "x%d.png"):
        (tmp_path / "there").mkdir(exist_ok=True)
        with prepare_output(clip, output, ClipSection(), overwrite=True).writer(CADENCE) as writer:
            writer.original(next(iter(clip.frames())), Fraction(0), Fraction(1, 24))
        with (
            pytest.raises(DataError, match="no frame to write"),
            prepare_output(clip, output, ClipSection()).writer(CADENCE) as writer,
        ):
            writer.finish()
    assert listing(tmp_path) == ["frames", "there"]
    assert listing(tmp_path / "there") == []


def test_an_original_that_has_gone_is_told(tmp_path: Path, frames: Path) -> None:
    clip = open_clip([frames], ClipSection())
    frame = next(iter(clip.frames()))
    (frames / "f0.png").unlink()
    with (
        pytest.raises(DataError, match=r"f0\.png: cannot be read"),
        prepare_output(clip, tmp_path / "out", ClipSection()).writer(CADENCE) as writer,
    ):
        writer.original(frame, Fraction(0), Fraction(1, 24))
    assert listing(tmp_path) == ["frames"]


@pytest.mark.parametrize("name", ["%d_%d.png", "%s%d.png"])
def test_patterns_have_one_number(name: str) -> None:
    with pytest.raises(ConfigError, match=r"a pattern has one number, such as frame_%06d\.png"):
        sequence_name(Path("out") / name)


def test_patterns_of_unknown_formats_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"\.bmp is not a supported image format; choose \.png"):
        sequence_name(Path("out/%d.bmp"))


@pytest.mark.parametrize("video", [True, False])
def test_colours_of_transparent_originals_are_not_touched(tmp_path: Path, video: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 4), np.uint8)
    source = tmp_path / "frames"
    if video:
        source = tmp_path / "source.mkv"
        pictures = [av.VideoFrame.from_ndarray(pixels, format="rgba") for _ in range(2)]
        write_video(source, 2, codec="ffv1", pixel_format="bgra", pictures=pictures)
    else:
        source.mkdir()
        for index in range(2):
            Image.fromarray(pixels).save(source / f"{index + 1}.png")
    doubled(source, tmp_path / "out" / "%d.tif")
    np.testing.assert_array_equal(read_rgba(tmp_path / "out" / "1.tif"), pixels)
    doubled(source, tmp_path / "out.mkv", codec="ffv1")
    written = decoded(tmp_path / "out.mkv")[0].to_ndarray(format="rgba")
    np.testing.assert_array_equal(written, pixels)
