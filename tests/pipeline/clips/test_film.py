"""Segments of a video become what its pictures become at once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from animeinterp.configs.errors import CacheError, ConfigError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.clip import Clip
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.clips.video import VideoClip
from animeinterp.pipeline.clips.assembly import Assembled
from animeinterp.pipeline.clips.film import Film
from animeinterp.pipeline.clips.joining import join
from animeinterp.pipeline.clips.rehearsal import can_be_joined
from animeinterp.pipeline.clips.timeline import Cadence
from animeinterp.pipeline.clips.writers import ClipWriter, prepare_output
from tests.drawn_videos import decoded, ffmpeg, planes, shown_times, write_video
from tests.pipeline.clip_probes import codecs, heard_after
from tests.pipeline.clip_sources import write_full_video
from tests.pipeline.made_videos import BEEP
from tests.project import ROOT

CUTS = (0, 7, 8, 24)
"""Where the segments of 24 frames begin and end."""
UNEVEN = [0, 1, 3, 4, 6, 9, 10, 12, 13, 14, 15, 18, 20, 21, 22, 25, 26, 28, 29, 30, 33, 34, 35, 40]


def film_of(source: Path, output: Path, **chosen: object) -> tuple[Clip, Film]:
    section = ClipSection.model_validate(chosen)
    clip = open_clip([source], section)
    recipe = prepare_output(clip, output, section, overwrite=True).recipe
    assert recipe is not None
    assert recipe.segment is not None
    cadence = Cadence.of([(frame.start, frame.duration) for frame in clip.frames()])
    assert can_be_joined(recipe.segment, recipe, cadence)
    return clip, Film(output, recipe, recipe.segment, cadence, "settings")


def fill(film: Film, clip: Clip, roots: list[Path], *, which: slice = slice(None)) -> None:
    """Write segments of a clip's own frames."""
    frames = list(clip.frames())
    for root, begin, end in list(zip(roots, CUTS, CUTS[1:], strict=False))[which]:

        def give(writer: ClipWriter, begin: int = begin, end: int = end) -> Assembled:
            for frame in frames[begin:end]:
                writer.original(frame, frame.start, frame.duration)
            return Assembled(end - begin, held=1)

        film.write(root, "fingerprint", give)


def joined(source: Path, output: Path, **chosen: object) -> Path:
    clip, film = film_of(source, output, **chosen)
    roots = [output.parent / f"{output.name}-{number}" for number in range(len(CUTS) - 1)]
    fill(film, clip, roots)
    assert film.join(roots) == Assembled(24, held=3)
    return output


def at_once(source: Path, output: Path, **chosen: object) -> Path:
    clip, film = film_of(source, output, **chosen)
    target = prepare_output(clip, output, ClipSection.model_validate(chosen), overwrite=True)
    with target.writer(film.cadence) as writer:
        for frame in clip.frames():
            writer.original(frame, frame.start, frame.duration)
        writer.finish()
    return output


@pytest.mark.parametrize("ticks", [None, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        *((".mp4", codec) for codec in ("h264", "h265", "av1", "vp9", "mpeg4")),
        *((".mov", codec) for codec in ("h264", "prores", "qtrle")),
        *((".mkv", codec) for codec in ("h264", "h265", "ffv1", "vp9", "av1", "prores")),
        (".mkv", "mpeg2video"),
        *((".webm", codec) for codec in ("vp9", "av1", "vp8")),
    ],
)
def test_times_and_looks_are_those_of_a_video_made_at_once(
    tmp_path: Path, suffix: str, codec: str, ticks: list[int] | None
) -> None:
    rate = 24 if ticks is None else 60
    if codec == "mpeg2video" and ticks:
        pytest.skip("it has even rates only")
    shape = {"sample_aspect_ratio": Fraction(4, 3), "colorspace": 1, "color_range": 1}
    write_video(tmp_path / "in.mp4", 24, rate=rate, ticks=ticks, **shape)
    one = joined(tmp_path / "in.mp4", tmp_path / f"a{suffix}", codec=codec)
    other = at_once(tmp_path / "in.mp4", tmp_path / f"b{suffix}", codec=codec)
    if ticks is None:  # else the command takes the mean rate for the unit of times
        assert shown_times(one) == shown_times(other)
    for made, wanted in zip(VideoClip(one).frames(), VideoClip(other).frames(), strict=True):
        assert (made.start, made.duration) == (wanted.start, wanted.duration)
        assert np.abs(made.rgb().astype(int) - wanted.rgb()).mean() < 8
    assert VideoClip(one).kind == VideoClip(other).kind
    assert VideoClip(one).aspect == VideoClip(other).aspect
    assert codecs(one, "video") == codecs(other, "video")


@pytest.mark.parametrize(
    ("suffix", "chosen"),
    [
        (".mp4", {"quality": 0}),
        (".mkv", {"quality": 0}),
        (".mkv", {"codec": "ffv1"}),
        (".mov", {"quality": 0}),
    ],
)
def test_originals_pass_untouched(tmp_path: Path, suffix: str, chosen: dict[str, object]) -> None:
    write_video(tmp_path / "in.mkv", 24)
    written = decoded(joined(tmp_path / "in.mkv", tmp_path / f"out{suffix}", **chosen))
    for before, after in zip(decoded(tmp_path / "in.mkv"), written, strict=True):
        assert planes(after) == planes(before)


@pytest.mark.parametrize("codec", ["vp9", "vp8"])
def test_transparency_is_kept(tmp_path: Path, codec: str) -> None:
    pixels = np.full((48, 64, 4), (200, 100, 50, 255), np.uint8)
    pixels[:, :24, 3] = 0
    pictures = [av.VideoFrame.from_ndarray(pixels, format="rgba") for _ in range(24)]
    write_video(tmp_path / "in.mkv", 24, codec="ffv1", pixel_format="bgra", pictures=pictures)
    made = VideoClip(joined(tmp_path / "in.mkv", tmp_path / "out.webm", codec=codec))
    for frame in made.frames():
        alpha = frame.alpha()
        assert alpha is not None
        assert np.abs(alpha.astype(int) - pixels[..., 3]).max() < 12


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.mov", "out.webm"])
def test_sound_subtitles_and_chapters_come_along_in_step(tmp_path: Path, name: str) -> None:
    write_full_video(tmp_path / "in.mkv")
    codec = "vp9" if name.endswith("webm") else "h264"
    one = joined(tmp_path / "in.mkv", tmp_path / name, codec=codec)
    other = at_once(tmp_path / "in.mkv", tmp_path / f"other-{name}", codec=codec)
    for kind in ("audio", "subtitle", "attachment"):
        assert codecs(one, kind) == codecs(other, kind)
    assert heard_after(one) == heard_after(other)
    with av.open(str(one)) as made, av.open(str(other)) as wanted:
        assert made.chapters() == wanted.chapters()
        assert made.metadata == wanted.metadata


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_sound_that_begins_before_the_pictures_stays_before_them(tmp_path: Path, name: str) -> None:
    late = ("-f", "lavfi", "-itsoffset", "0.213", "-i", "testsrc2=s=64x48:r=24:d=1")
    ffmpeg(*BEEP, *late, "-map", "0:a", "-map", "1:v", "-c:a", "flac", tmp_path / "in.mkv")
    one = heard_after(make_joined(tmp_path / "in.mkv", tmp_path / name))
    assert one == heard_after(at_once(tmp_path / "in.mkv", tmp_path / f"other-{name}"))


def make_joined(source: Path, output: Path) -> Path:
    """Of a clip of any length, in two segments."""
    clip, film = film_of(source, output)
    frames = list(clip.frames())
    halves = (frames[: len(frames) // 2], frames[len(frames) // 2 :])
    for number, half in enumerate(halves):

        def give(writer: ClipWriter, half: list[object] = half) -> Assembled:  # type: ignore[assignment]
            for frame in half:
                writer.original(frame, frame.start, frame.duration)  # type: ignore[attr-defined]
            return Assembled(len(half))

        film.write(output.parent / f"{output.name}-{number}", "fingerprint", give)
    film.join([output.parent / f"{output.name}-{number}" for number in range(2)])
    return output


def test_the_same_segments_give_the_same_file(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", 24)
    one = joined(tmp_path / "in.mp4", tmp_path / "first" / "out.mp4").read_bytes()
    assert joined(tmp_path / "in.mp4", tmp_path / "second" / "out.mp4").read_bytes() == one


@pytest.mark.parametrize("name", ["it's 50% [#1] ü?.mp4", "a:b\\c;d$e.mkv"])
def test_any_name_of_a_folder_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name.partition(".")[0]
    folder.mkdir()
    write_video(folder / name, 24)
    assert len(decoded(joined(folder / name, folder / f"out {name}"))) == 24


def test_a_segment_is_found_by_what_it_is_made_of(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", 24)
    clip, film = film_of(tmp_path / "in.mp4", tmp_path / "out.mp4")
    roots = [tmp_path / str(number) for number in range(3)]
    fill(film, clip, roots)
    found = film.find(roots[0])
    assert found is not None
    assert (found.fingerprint, found.frames, found.held) == ("fingerprint", 7, 1)
    assert replace(film, output=tmp_path / "other.mp4").find(roots[0]) == found
    others = [
        replace(film, settings="another"),
        replace(film, segment=replace(film.segment, offset=Fraction(1, 24))),
        replace(film, segment=replace(film.segment, quality=20)),
        replace(film, cadence=replace(film.cadence, time_base=Fraction(1, 1000))),
        film_of(tmp_path / "in.mp4", tmp_path / "out.mkv")[1],
    ]
    assert [other.find(roots[0]) for other in others] == [None] * len(others)


@pytest.mark.parametrize("damage", ["cut off", "changed", "gone"])
def test_a_damaged_segment_is_told_and_written_again(tmp_path: Path, damage: str) -> None:
    write_video(tmp_path / "in.mp4", 24)
    clip, film = film_of(tmp_path / "in.mp4", tmp_path / "out.mp4")
    roots = [tmp_path / str(number) for number in range(3)]
    fill(film, clip, roots)
    (path,) = roots[1].glob("*.mp4")
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "cut off" else content[:-1] + bytes([content[-1] ^ 1]))
    assert (film.find(roots[1]) is None) == (damage != "changed")
    with pytest.raises(CacheError, match=r"1/film-\w+\.mp4: is damaged; run the same command again"):
        film.join(roots)
    assert not film.output.exists()
    assert film.find(roots[1]) is None
    fill(film, clip, roots, which=slice(1, 2))
    assert path.read_bytes() == content
    film.join(roots)
    assert len(decoded(film.output)) == 24


def test_what_counts_frames_or_is_one_picture_is_not_joined(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", 3)
    clip = open_clip([tmp_path / "in.mp4"], ClipSection())
    for name in ("out.avi", "out.gif", "out.webp"):
        recipe = prepare_output(clip, tmp_path / name, ClipSection()).recipe
        assert recipe is not None
        assert recipe.segment is None
    assert prepare_output(clip, tmp_path / "frames", ClipSection()).recipe is None


def test_what_the_program_cannot_join_is_found_out_before_any_work(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", 24)
    _, film = film_of(tmp_path / "in.mp4", tmp_path / "out.mkv")
    assert film.segment.suffix == ".mov"
    unlike = replace(film.segment, suffix=".avi")  # which begins every file at 0
    assert not can_be_joined(unlike, film.recipe, film.cadence)


def test_times_that_the_encoder_refuses_are_found_out_before_any_work(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mkv", 24)
    section = ClipSection(codec="mpeg2video")
    clip = open_clip([tmp_path / "in.mkv"], section)
    target = prepare_output(clip, tmp_path / "out.mkv", section)
    target.check_times(Cadence.of([(Fraction(k, 48), Fraction(1, 48)) for k in range(4)]))
    in_milliseconds = Cadence.of([(frame.start, frame.duration) for frame in clip.frames()])
    with pytest.raises(ConfigError, match=r"mpeg2video refuses .* does not support 1000/1 fps"):
        target.check_times(in_milliseconds)


# A limit on the size of files stands for a full disk.
LIMITED = """
import resource, signal, sys
from pathlib import Path
from animeinterp.configs.errors import DataError
from tests.pipeline.clips.test_film import fill, film_of

clip, film = film_of(Path(sys.argv[1]), Path(sys.argv[2]), quality=0)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
try:
    fill(film, clip, [Path(sys.argv[3])])
except DataError as error:
    print(error)
"""


def test_a_full_disk_names_the_cache_and_leaves_nothing(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mkv", 24, codec="ffv1")
    command = [sys.executable, "-c", LIMITED, tmp_path / "in.mkv", tmp_path / "out.mp4", tmp_path / "part"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert f"{tmp_path / 'part'}/film-" in said
    assert "make room or name another cache, and run the same command again" in said
    assert list((tmp_path / "part").iterdir()) == []


def test_joining_needs_its_segments_only(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", 24)
    clip, film = film_of(tmp_path / "in.mp4", tmp_path / "out.mp4")
    roots = [tmp_path / str(number) for number in range(3)]
    fill(film, clip, roots)
    paths = [next(root.glob("*.mp4")) for root in roots]
    join(paths[1:], tmp_path / "end.mp4", film.recipe, film.cadence)
    starts = [start for start, _ in shown_times(tmp_path / "end.mp4")]
    assert starts == pytest.approx([start for start, _ in shown_times(tmp_path / "in.mp4")[7:]])
