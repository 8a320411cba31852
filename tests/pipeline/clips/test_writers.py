from __future__ import annotations

from pathlib import Path

import pytest

from animeinterp.configs.errors import AnimeInterpError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.images import write_image
from animeinterp.pipeline.clips.ffmpeg_program import find_program, picture_encoders
from animeinterp.pipeline.clips.sequence_writer import sequence_name
from animeinterp.pipeline.clips.writers import is_video, prepare_output
from tests.drawn_videos import drawing, write_video
from tests.pipeline.clip_sources import doubled


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    write_video(tmp_path / "movie.mp4", 3)
    return tmp_path / "movie.mp4"


def check(source: Path, output: Path, *, only_between: bool = False, **chosen: object) -> tuple[str, ...]:
    section = ClipSection.model_validate(chosen)
    return prepare_output(open_clip([source], section), output, section, only_between=only_between).notes


@pytest.mark.parametrize(
    ("name", "chosen", "said"),
    [
        ("movie.mp4", {}, r"movie\.mp4: is the input itself"),
        ("there.mp4", {}, r"there\.mp4: exists; add --overwrite to replace it"),
        ("folder.mp4", {}, r"folder\.mp4: is a folder"),
        ("movie.mp4/out.mp4", {}, r"movie\.mp4 is a file, not a folder"),
        ("there", {}, "there: is a file, not a folder"),
        ("out.flv", {}, r"\.flv is not a video format \(\.mp4, .*\); for images name a folder"),
        (
            "out.png",
            {},
            r"names one image, which is what two images have between them; .* pattern such as out_%06d\.png",
        ),
        (
            "out.mp4",
            {"codec": "h246"},
            r"clip\.codec = 'h246' is not a video codec .*did you mean h265 or h264",
        ),
        ("out.mp4", {"codec": "aac"}, "'aac' is not a video codec that this FFmpeg can write"),
        (
            "out.mp4",
            {"codec": "prores"},
            r"\.mp4 cannot hold it; choose .* such as .*h264.*name the output \.mov",
        ),
        (
            "out.webm",
            {},
            r"clip\.codec = 'h264': \.webm cannot hold it; choose .*clip\.codec=av1 \(av1, vp9\)",
        ),
        (
            "out.mp4",
            {"pixel_format": "yuv440p"},
            r"'yuv440p' is none that h264 has.* It has yuv420p, yuvj420p",
        ),
        ("out.mp4", {"pixel_format": "yuv42p"}, r"'yuv42p' is unknown; did you mean yuv422p\?"),
    ],
)
def test_outputs_that_cannot_be_written_are_refused_before_any_work(
    movie: Path, name: str, chosen: dict[str, object], said: str
) -> None:
    (movie.parent / "there.mp4").write_bytes(b"")
    (movie.parent / "there").write_bytes(b"")
    (movie.parent / "folder.mp4").mkdir()
    with pytest.raises(AnimeInterpError, match=said):
        check(movie, movie.parent / name, **chosen)


def test_an_output_is_not_written_by_the_check(movie: Path) -> None:
    before = sorted(movie.parent.iterdir())
    assert check(movie, movie.parent / "new" / "out.mp4") == ()
    assert check(movie, movie.parent / "new" / "%06d.png") == ()
    assert sorted(movie.parent.iterdir()) == before


def test_frames_between_alone_are_no_video(movie: Path) -> None:
    with pytest.raises(AnimeInterpError, match="a video of the frames between alone would show nothing"):
        check(movie, movie.parent / "out.mp4", only_between=True)


def test_the_folder_of_the_input_is_refused(tmp_path: Path) -> None:
    for index in range(2):
        write_image(tmp_path / "frames" / f"{index}.png", drawing(index))
    for output in (tmp_path / "frames", tmp_path / "frames" / "new_%06d.png"):
        with pytest.raises(AnimeInterpError, match="the folder of the input's own images"):
            check(tmp_path / "frames", output)


def test_odd_sizes(tmp_path: Path) -> None:
    write_video(tmp_path / "odd.mkv", 2, (47, 63), "ffv1")
    (note,) = check(tmp_path / "odd.mkv", tmp_path / "out.mp4")
    assert note == "pixel format yuv444p: 63x47 is odd, and h264 needs even sizes for yuv420p"
    with pytest.raises(
        AnimeInterpError, match=r"clip\.pixel_format = 'yuv420p': 63x47 is odd.*choose 'auto', or yuv444p"
    ):
        check(tmp_path / "odd.mkv", tmp_path / "out.mp4", pixel_format="yuv420p")
    if "libopenh264" in picture_encoders(find_program()):  # which has nothing but 4:2:0
        with pytest.raises(AnimeInterpError, match=r"63x47 is odd, and libopenh264 needs even sizes"):
            check(tmp_path / "odd.mkv", tmp_path / "out.mp4", codec="libopenh264")
    assert check(tmp_path / "odd.mkv", tmp_path / "out.webm", codec="vp9") == ()


def test_fewer_bits_are_told(tmp_path: Path) -> None:
    write_video(tmp_path / "deep.mkv", 2, codec="ffv1", pixel_format="yuv420p10le")
    assert check(tmp_path / "deep.mkv", tmp_path / "out.mp4") == ()
    (note,) = check(tmp_path / "deep.mkv", tmp_path / "out.mp4", pixel_format="yuv420p")
    assert note == "10 bits per channel become 8: h264 is written as yuv420p"


@pytest.mark.parametrize("name", ["100% done", "50%d", "%04d.png", "v1.0", "Mr. Robot", "movie.avi.frames"])
def test_a_folder_that_is_there_is_a_folder(movie: Path, name: str) -> None:
    folder = movie.parent / name
    folder.mkdir()
    assert not is_video(open_clip([movie], ClipSection()), folder)
    assert sequence_name(folder).folder == folder
    assert check(movie, folder) == ()
    (folder / "frame_000001.png").write_bytes(b"")
    with pytest.raises(AnimeInterpError, match=r"already contains images \(frame_000001\.png\)"):
        check(movie, folder)


@pytest.mark.parametrize("name", ["100% done", "v1.0", "Mr. Robot", "100%", "~out"])
def test_names_of_new_folders(movie: Path, name: str) -> None:
    assert check(movie, movie.parent / name) == ()
    assert sequence_name(movie.parent / name).folder == movie.parent / name


def test_percent_signs_in_patterns(movie: Path) -> None:
    pattern = sequence_name(movie.parent / "100% done_%04d.png")
    assert pattern.file(7) == "100% done_0007.png"
    assert check(movie, movie.parent / "100% done_%04d.png") == ()
    with pytest.raises(AnimeInterpError, match="names one image, which is what two images"):
        check(movie, movie.parent / "100%.png")


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("x" * 252 + ".mkv", 256),
        ("ä" * 126 + ".mkv", 256),
        ("x" * 246 + "%06d.png", 256),
        ("x" * 246 + "%d.png", 256),
    ],
)
def test_names_that_are_too_long_are_refused(movie: Path, name: str, length: int) -> None:
    with pytest.raises(AnimeInterpError, match=f"the name has {length} bytes; file systems allow 255"):
        check(movie, movie.parent / name, codec="ffv1")


@pytest.mark.parametrize("name", ["x" * 251 + ".mkv", "ä" * 125 + "x.mkv", "x" * 245 + "%06d.png"])
def test_the_longest_names_are_written(movie: Path, name: str) -> None:
    doubled(movie, movie.parent / name, codec="ffv1")
    assert [path.name for path in movie.parent.iterdir() if path.name.startswith((".", "x", "ä"))]
    assert not [path.name for path in movie.parent.iterdir() if path.name.startswith(".")]


def test_an_encoder_that_needs_more_than_a_quality_says_what_it_refuses(movie: Path) -> None:
    with pytest.raises(AnimeInterpError, match=r"'dnxhd': its encoder dnxhd refuses 64x48 .*choose another"):
        check(movie, movie.parent / "out.mov", codec="dnxhd")
