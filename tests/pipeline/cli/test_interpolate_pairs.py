"""`animeinterp interpolate` of two images, in slow motion, and in a circle."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from animeinterp.data.images import read_image, write_image
from tests.drawn_clips.clip_files import write_clip
from tests.drawn_clips.shots import Shot
from tests.pipeline.small_runs import Command

SIZE = (72, 128)
SHOTS = (Shot(scene=17, frames=4, on=1, stride=0.25), Shot(scene=28, frames=2, on=1, stride=0.12))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("images") / "drawn"
    write_clip(folder, SHOTS, SIZE)
    return sorted(folder.glob("*.png"))


def test_two_images_give_the_image_between(interpolate: Command, images: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "mid.png"
    status, text = interpolate(*images[:2], "-o", out)
    assert status == 0, text
    found = read_image(out).astype(int)
    first, second = (read_image(path).astype(int) for path in images[:2])
    apart = np.abs(first - second).mean()
    assert 0 < np.abs(found - first).mean() < apart
    assert 0 < np.abs(found - second).mean() < apart
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["mid.png"]
    status, text = interpolate(*images[:2], "-o", out)
    assert status == 2
    assert "exists; add --overwrite" in text
    assert interpolate(*images[:2], "-o", out, "--overwrite")[0] == 0


def test_images_of_two_scenes_are_a_pair_all_the_same(
    interpolate: Command, images: list[Path], tmp_path: Path
) -> None:
    assert interpolate(images[3], images[4], "-o", tmp_path / "mid.jpg")[0] == 0
    assert read_image(tmp_path / "mid.jpg").shape == (*SIZE, 3)


def test_one_image_holds_one_frame(interpolate: Command, images: list[Path], tmp_path: Path) -> None:
    status, text = interpolate(*images[:3], "-o", tmp_path / "mid.png")
    assert status == 2
    assert "names one image, which is what two images have between them" in text
    status, text = interpolate(*images[:2], "--times", "0.25,0.75", "-o", tmp_path / "mid.png")
    assert status == 2
    assert "2 would be drawn: name a folder for several times" in text
    write_image(tmp_path / "same0.png", read_image(images[0]))
    write_image(tmp_path / "same1.png", read_image(images[0]))
    status, text = interpolate(tmp_path / "same0.png", tmp_path / "same1.png", "-o", tmp_path / "mid.png")
    assert status == 2
    assert "0 would be drawn: its inputs are identical" in text
    assert not (tmp_path / "mid.png").exists()


def test_slow_motion(interpolate: Command, images: list[Path], tmp_path: Path) -> None:
    status, text = interpolate(*images[:4], "-o", tmp_path / "slow.mkv", "--slow", "3", "--codec", "ffv1")
    assert status == 0, text
    with av.open(str(tmp_path / "slow.mkv")) as video:
        stream = video.streams.video[0]
        assert stream.average_rate == 24
        assert sum(1 for _ in video.decode(stream)) == 12


def test_a_loop(interpolate: Command, images: list[Path], tmp_path: Path) -> None:
    status, text = interpolate(*images[:3], "-o", tmp_path / "out", "--loop")
    assert status == 0, text
    assert len(list((tmp_path / "out").iterdir())) == 6
    last = read_image(tmp_path / "out" / "frame_000006.png").astype(int)
    ends = [read_image(path).astype(int) for path in (images[2], images[0])]
    assert all(0 < np.abs(last - end).mean() < np.abs(ends[0] - ends[1]).mean() for end in ends)
