"""A long video is encoded part by part: what is kept of it, and what a stopped run goes on from."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from animeinterp.data.images import encode_image, read_image, write_file
from animeinterp.pipeline.clips.assembly import Assembly
from animeinterp.pipeline.clips.film import Film
from animeinterp.pipeline.clips.parts import sources_of
from tests.drawn_clips.clip_files import write_clip
from tests.drawn_clips.shots import Shot
from tests.drawn_videos import decoded, ffmpeg, planes, shown_times
from tests.pipeline.small_runs import Command

SIZE = (72, 128)
SHOTS = (Shot(scene=17, frames=6, on=1, stride=0.25), Shot(scene=28, frames=4, on=1, stride=0.12))
PAIRS = 8
PARTS = ("--set", "clip.pairs_per_part=3")


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("movie") / "movie.mp4"
    write_clip(path, SHOTS, SIZE, crf=12)
    return path


def drawn_in(cache: Path) -> set[str]:
    """Shards of drawn frames."""
    return {path.name for path in cache.glob("synthesis/*/*.zarr")}


def segments_in(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.glob("clips/*/parts/*/film-*"))


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_parts_are_the_frames_of_the_whole(
    interpolate: Command, movie: Path, tmp_path: Path, name: str
) -> None:
    assert interpolate(movie, "-o", tmp_path / "whole" / name, "--quality", "0")[0] == 0
    code, said = interpolate(movie, "-o", tmp_path / "parts" / name, "--quality", "0", *PARTS)
    assert code == 0, said
    assert "part 3 of 3: pairs 7 to 8 of 8" in said
    assert f"20 frames, {PAIRS} drawn" in said
    whole, parts = decoded(tmp_path / "whole" / name), decoded(tmp_path / "parts" / name)
    assert [planes(frame) for frame in parts] == [planes(frame) for frame in whole]
    assert shown_times(tmp_path / "whole" / name) == shown_times(tmp_path / "parts" / name)


def test_a_part_that_is_encoded_leaves_nothing_else(
    interpolate: Command, movie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, write = [], Film.write

    def watched(self: Film, *arguments: object) -> None:
        seen.append(
            (len(drawn_in(tmp_path / "cache")), len(list(tmp_path.glob("cache/clips/*/frames/**/*.png"))))
        )
        write(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Film, "write", watched)
    assert interpolate(movie, "-o", tmp_path / "out.mp4", *PARTS)[0] == 0
    assert [pairs for pairs, _ in seen] == [3, 3, 2]  # none of a part before
    assert max(frames for _, frames in seen) <= 5
    (clip,) = (tmp_path / "cache" / "clips").iterdir()
    assert [path.name for path in clip.rglob("*") if path.is_file()] == ["scan"]
    assert not drawn_in(tmp_path / "cache")


@pytest.mark.parametrize("moment", ["before a segment", "in a segment", "between segments", "at the end"])
def test_a_stopped_run_goes_on_and_the_file_is_the_same(
    interpolate: Command, movie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    assert interpolate(movie, "-o", tmp_path / "straight.mp4", *PARTS)[0] == 0
    shutil.rmtree(tmp_path / "cache")
    count = 0

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def second(real: object) -> object:
        def called(*arguments: object) -> object:
            nonlocal count
            count += 1
            return real(*arguments) if count != 2 else stop()  # type: ignore[operator]

        return called

    with monkeypatch.context() as patch:
        if moment == "before a segment":
            patch.setattr(Film, "write", second(Film.write))
        elif moment == "in a segment":
            patch.setattr(Assembly, "write", second(Assembly.write))
        elif moment == "between segments":
            patch.setattr("animeinterp.pipeline.clips.clip_interpolation.sources_of", stop_second(stop))
        else:
            patch.setattr("animeinterp.pipeline.clips.film.join", stop)
        code, said = interpolate(movie, "-o", tmp_path / "out.mp4", *PARTS)
    assert code == 130, said
    assert len(segments_in(tmp_path / "cache")) == (6 if moment == "at the end" else 2)
    code, said = interpolate(movie, "-o", tmp_path / "out.mp4", *PARTS)
    assert code == 0, said
    assert "part 1 of 3" not in said
    assert ("part 3 of 3" in said) == (moment != "at the end")
    assert f"20 frames, {PAIRS} drawn" in said
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "straight.mp4").read_bytes()
    assert segments_in(tmp_path / "cache") == []


def stop_second(stop: object) -> object:
    calls = iter((sources_of, stop))
    return lambda *arguments: next(calls)(*arguments)  # type: ignore[operator]


def stop_before_joining(
    interpolate: Command, movie: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupt the command when all parts are encoded."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("animeinterp.pipeline.clips.film.join", stop)
        assert interpolate(movie, "-o", output, *PARTS)[0] == 130


def test_a_dry_run_counts_what_is_left(
    interpolate: Command, movie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_before_joining(interpolate, movie, tmp_path / "out.mp4", monkeypatch)
    code, said = interpolate(movie, "-o", tmp_path / "out.mp4", *PARTS, "--dry-run")
    assert code == 0, said
    assert "nothing is left to compute" in said


def test_a_dry_run_tells_the_space_of_what_is_there_at_a_time(
    interpolate: Command, movie: Path, tmp_path: Path
) -> None:
    needed = {}
    for name, keep in (
        ("out.mp4", "nothing"),
        ("images", "nothing"),
        ("out.mp4", "frames"),
        ("out.mp4", "all"),
    ):
        options = (*PARTS, "--dry-run", "--set", f"clip.keep={keep}")
        code, said = interpolate(movie, "-o", tmp_path / name, *options)
        assert code == 0, said
        found = re.search(r", and ([\d.]+) (kB|MB)( at a time)? \(", said)
        assert found is not None, said
        assert (found[3] is None) == (keep == "all")
        needed[name, keep] = float(found[1]) * {"kB": 1e3, "MB": 1e6}[found[2]]
    assert needed["out.mp4", "nothing"] < needed["images", "nothing"] <= needed["out.mp4", "frames"]
    assert needed["out.mp4", "frames"] < needed["out.mp4", "all"]


@pytest.mark.parametrize("other", [("--quality", "30"), ("--set", "clip.keep=frames"), ("--fps", "30")])
def test_another_setting_makes_another_film(
    interpolate: Command,
    movie: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    other: tuple[str, str],
) -> None:
    stop_before_joining(interpolate, movie, tmp_path / "out.mp4", monkeypatch)
    code, said = interpolate(movie, "-o", tmp_path / "out.mp4", *PARTS, *other)
    assert code == 0, said
    assert "part 1 of 3" in said
    assert bool(drawn_in(tmp_path / "cache")) == ("clip.keep=frames" in other)
    if "--fps" in other:  # other pairs: those of before are not touched
        code, said = interpolate(movie, "-o", tmp_path / "later.mp4", *PARTS)
        assert code == 0, said
        assert "part 1 of 3" not in said
    assert segments_in(tmp_path / "cache") == []


def test_damage_to_a_segment_is_told_and_only_its_part_is_computed_again(
    interpolate: Command, movie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damage(self: Film, roots: list[Path]) -> object:
        (path,) = roots[1].glob("film-*.mp4")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
        return joining(self, roots)

    joining = Film.join
    with monkeypatch.context() as patch:
        patch.setattr(Film, "join", damage)
        code, said = interpolate(movie, "-o", tmp_path / "out.mp4", *PARTS)
    assert code == 2
    assert re.search(r"film-\w+\.mp4: is damaged; run the same command again", said)
    code, said = interpolate(movie, "-o", tmp_path / "out.mp4", *PARTS)
    assert code == 0, said
    assert "part 2 of 3" in said
    assert "part 1 of 3" not in said
    assert "part 3 of 3" not in said


def test_frames_that_are_kept_make_another_film_without_computing(
    interpolate: Command, movie: Path, tmp_path: Path
) -> None:
    kept = (*PARTS, "--set", "clip.keep=frames")
    assert interpolate(movie, "-o", tmp_path / "a.mp4", *kept)[0] == 0
    assert segments_in(tmp_path / "cache") == []
    code, said = interpolate(movie, "-o", tmp_path / "b.mkv", *kept, "--quality", "5")
    assert code == 0, said
    assert "segmentation" not in said
    assert len(decoded(tmp_path / "b.mkv")) == 20


def test_fades_and_transparency_are_in_their_parts(interpolate: Command, tmp_path: Path) -> None:
    write_clip(tmp_path / "opaque", (Shot(scene=17, frames=5, on=1, stride=0.25),), SIZE)
    pictures = [read_image(path) for path in sorted((tmp_path / "opaque").glob("*.png"))]
    dark = [(pictures[-1] * share).astype(np.uint8) for share in (0.75, 0.5, 0.25, 0.0)]
    for number, picture in enumerate([*pictures, *dark, *dark[::-1], *pictures[::-1]]):
        alpha = np.full(SIZE, 255, np.uint8)
        alpha[:, :20] = 0
        write_file(tmp_path / "clear" / f"{number}.png", encode_image("a.png", np.dstack([picture, alpha])))
    options = ("--codec", "ffv1", "--set", "clip.cut_threshold=1")
    code, said = interpolate(tmp_path / "clear", "-o", tmp_path / "whole.mkv", *options)
    assert code == 0, said
    assert "cross-faded" in said
    code, parts = interpolate(tmp_path / "clear", "-o", tmp_path / "parts.mkv", *options, *PARTS)
    assert code == 0, parts
    assert re.findall(r"\d+ frames, .*cross-faded", parts) == re.findall(r"\d+ frames, .*cross-faded", said)
    one, other = decoded(tmp_path / "whole.mkv"), decoded(tmp_path / "parts.mkv")
    assert [planes(frame) for frame in one] == [planes(frame) for frame in other]


def test_sound_goes_along(interpolate: Command, movie: Path, tmp_path: Path) -> None:
    tone = ("-f", "lavfi", "-i", "sine=440:d=0.4:r=48000", "-c:v", "copy", "-c:a", "aac")
    ffmpeg("-i", movie, *tone, "-map", "0:v", "-map", "1:a", tmp_path / "in.mp4")
    assert interpolate(tmp_path / "in.mp4", "-o", tmp_path / "out.mp4", *PARTS)[0] == 0
    copied = [
        ffmpeg("-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-")
        for path in (tmp_path / "in.mp4", tmp_path / "out.mp4")
    ]
    assert copied[0] == copied[1]
