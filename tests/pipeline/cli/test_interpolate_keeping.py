"""What `animeinterp interpolate` leaves in the cache, and what a second run makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from animeinterp.data.images import encode_image, read_image, write_file
from tests.drawn_clips.clip_files import write_clip
from tests.drawn_clips.shots import Shot
from tests.pipeline.small_runs import Command

SIZE = (72, 128)
SHOTS = (Shot(scene=17, frames=4, on=1, stride=0.25),)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("movie") / "movie.mkv"
    write_clip(path, SHOTS, SIZE, crf=12)
    return path


def stages_in(cache: Path) -> set[str]:
    return {path.parent.parent.name for path in cache.glob("*/*/*.zarr")}


@pytest.mark.slow
def test_nothing_is_left_but_the_scan(interpolate: Command, movie: Path, tmp_path: Path) -> None:
    code, said = interpolate(movie, "-o", tmp_path / "a.mkv")
    assert code == 0, said
    assert "to look at a pair" not in said
    cache = tmp_path / "cache"
    assert stages_in(cache) == set()
    (clip,) = (cache / "clips").iterdir()
    assert [path.name for path in clip.rglob("*") if path.is_file()] == ["scan"]
    assert interpolate(movie, "-o", tmp_path / "b.mkv")[0] == 0
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_frames_that_are_kept_make_another_film(interpolate: Command, movie: Path, tmp_path: Path) -> None:
    kept = ("--set", "clip.keep=frames", "--set", "clip.pairs_per_part=2")
    assert interpolate(movie, "-o", tmp_path / "a.mkv", *kept)[0] == 0
    assert stages_in(tmp_path / "cache") == {"synthesis"}
    assert not list((tmp_path / "cache" / "clips").rglob("*.png"))
    code, said = interpolate(movie, "-o", tmp_path / "b", *kept)
    assert code == 0, said
    assert "segmentation" not in said
    assert len(list((tmp_path / "b").iterdir())) == 7  # images end with the last drawing
    assert interpolate(movie, "-o", tmp_path / "c.mkv", *kept[2:])[0] == 0
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "c.mkv").read_bytes()
    assert stages_in(tmp_path / "cache") == set()


@pytest.mark.parametrize(
    ("keep", "stages"),
    [("flows", {"refinement", "synthesis"}), ("all", {"segmentation", "coarse_flow", "synthesis"})],
)
def test_flows_or_all_of_it(
    interpolate: Command, movie: Path, tmp_path: Path, keep: str, stages: set[str]
) -> None:
    code, said = interpolate(movie, "-o", tmp_path / "a.mkv", "--set", f"clip.keep={keep}")
    assert code == 0, said
    assert ("to look at a pair" in said) == (keep == "all")
    found = stages_in(tmp_path / "cache")
    assert found == stages if keep == "flows" else found > stages


@pytest.mark.slow
def test_damage_to_what_is_kept_is_computed_again(interpolate: Command, movie: Path, tmp_path: Path) -> None:
    kept = ("--set", "clip.keep=frames")
    assert interpolate(movie, "-o", tmp_path / "a.mkv", *kept)[0] == 0
    shard = next((tmp_path / "cache" / "synthesis").glob("*/*.zarr"))
    largest = max((path for path in shard.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[: len(content) // 2] = bytes(len(content) // 2)
    largest.write_bytes(content)
    assert interpolate(movie, "-o", tmp_path / "b.mkv", *kept)[0] == 2
    code, said = interpolate(movie, "-o", tmp_path / "b.mkv", *kept)
    assert code == 0, said
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_transparency_is_made_of_what_is_kept(interpolate: Command, movie: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "opaque", SHOTS, SIZE)
    for number, path in enumerate(sorted((tmp_path / "opaque").glob("*.png"))[:3]):
        alpha = np.full(SIZE, 255, np.uint8)
        alpha[:, : 20 + 8 * number] = 0
        clear = np.dstack([read_image(path), alpha])
        write_file(tmp_path / "clear" / path.name, encode_image(path.name, clear))
    kept = ("--set", "clip.keep=frames")
    assert interpolate(tmp_path / "clear", "-o", tmp_path / "a", *kept)[0] == 0
    assert stages_in(tmp_path / "cache") == {"refinement", "synthesis"}
    code, said = interpolate(tmp_path / "clear", "-o", tmp_path / "b", *kept)
    assert code == 0, said
    assert "segmentation" not in said
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
