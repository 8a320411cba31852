from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.images import read_image
from tests.drawn_clips.clip import draw_clip
from tests.drawn_clips.clip_files import CUT_HERTZ, SECOND_HERTZ, SOUND_RATE, beeps, write_clip
from tests.drawn_clips.shots import EVERYTHING, STANDARD, Shot

SIZE = (90, 160)


def test_the_standard_clip() -> None:
    """Eight seconds: twos and a pause, a pan on ones, threes, with two cuts."""
    truths = [frame.truth for frame in draw_clip(STANDARD, SIZE)]
    changes = [truth.change for truth in truths]
    assert len(changes) == 8 * 24
    assert [i for i, change in enumerate(changes) if change == "cut"] == [60, 132]
    assert changes[:36] == ["first", "repeat"] + ["motion", "repeat"] * 17
    assert changes[36:60] == ["repeat"] * 24
    assert changes[61:132] == ["motion"] * 71
    assert changes[132:138] == ["cut", "repeat", "repeat", "motion", "repeat", "repeat"]
    assert [i for i, truth in enumerate(truths) if truth.panning] == list(range(61, 132))


def test_truth_is_what_is_drawn() -> None:
    frames = list(draw_clip(EVERYTHING, SIZE))
    assert len(frames) == 240
    for before, frame in pairwise(frames):
        same = np.array_equal(before.picture, frame.picture)
        assert same == (frame.truth.change == "repeat")
        assert same == (frame.truth.drawing == before.truth.drawing)
    kinds = [frame.truth.change for frame in frames]
    assert {kinds.count(kind) > 0 for kind in ("first", "repeat", "motion", "fade", "cut")} == {True}
    assert sum(frame.truth.flashing for frame in frames) == 3


def test_the_same_shots_give_the_same_pixels() -> None:
    shots = (Shot(scene=5, frames=4, on=1), Shot(scene=8, frames=2))
    first, second = (list(draw_clip(shots, SIZE)) for _ in range(2))
    assert all(
        a.truth == b.truth and np.array_equal(a.picture, b.picture)
        for a, b in zip(first, second, strict=True)
    )
    assert first[0].picture.shape == (*SIZE, 3)
    assert first[0].picture.dtype == np.uint8


def test_talking_moves_faces_alone() -> None:
    frames = list(draw_clip((Shot(scene=22, frames=6, on=2, acting="talking"),), (270, 480)))
    assert [frame.truth.change for frame in frames] == [
        "first",
        "repeat",
        "motion",
        "repeat",
        "motion",
        "repeat",
    ]
    changed = np.abs(frames[0].picture.astype(int) - frames[2].picture).max(axis=2) > 8
    assert 0 < changed.mean() < 0.01


def test_a_pan_moves_the_background_and_letterbox_covers_it() -> None:
    shot = Shot(scene=12, frames=4, on=4, pan=12.0)
    frames = [frame.picture for frame in draw_clip((shot,), (270, 480), letterbox=20)]
    for picture in frames:
        assert not picture[:20].any()
        assert not picture[250:].any()
    for before, frame in pairwise(frames):
        moved = (frame[:, :-6] == before[:, 6:]).all(axis=2)
        still = (frame == before).all(axis=2)
        assert moved.mean() > 0.7  # the figures stay where they are
        assert 0.1 < still[30:240].mean() < 0.5


def test_fades_are_dark_and_dissolves_mixed() -> None:
    shots = (
        Shot(scene=1, frames=8, fade_in=4, dissolve=3),
        Shot(scene=2, frames=6, on=1, fade_out=3),
        Shot(scene=3, frames=2),
    )
    frames = list(draw_clip(shots, SIZE))
    means = [float(frame.picture.mean()) for frame in frames]
    assert means[0] < means[1] < means[2] < means[3]
    assert means[13] == 0
    assert [frame.truth.change for frame in frames] == [
        *("first", "fade", "fade", "fade", "repeat", "fade", "fade", "fade"),
        *("fade", "motion", "motion", "fade", "fade", "fade"),
        *("cut", "repeat"),
    ]
    half = (frames[4].picture.astype(float) + frames[8].picture) / 2
    assert np.abs(frames[6].picture - half).max() <= 1


@pytest.mark.parametrize(
    ("shots", "message"),
    [
        ((), "shots: found none"),
        ((Shot(scene=1, frames=0),), "shot 0: 0 frames"),
        ((Shot(scene=1, frames=4, on=0),), "shot 0: 4 frames on 0"),
        (
            (Shot(scene=1, frames=9), Shot(scene=1, frames=4, pause=4)),
            "shot 1: 4 frames on 2, 4 of them held",
        ),
        ((Shot(scene=1, frames=4, dissolve=2),), "shot 0 dissolves into the next, but there is none"),
        ((Shot(scene=-1, frames=4),), "seed: found -1"),
    ],
)
def test_shots_that_cannot_be_drawn(shots: tuple[Shot, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        draw_clip(shots, SIZE)


def test_letterbox_out_of_range() -> None:
    with pytest.raises(DataError, match="letterbox: found 45 rows"):
        draw_clip(STANDARD, SIZE, letterbox=45)


def test_video_with_beeps(tmp_path: Path) -> None:
    shots = (Shot(scene=1, frames=36), Shot(scene=2, frames=24))
    path = tmp_path / "new" / "clip.mp4"
    truths = write_clip(path, shots, SIZE, crf=10)
    with av.open(path) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(path) as container:
        rate = container.streams.audio[0].rate
        wave = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    drawn = [frame.picture for frame in draw_clip(shots, SIZE)]
    assert len(pictures) == len(drawn) == len(truths)
    assert max(float(np.abs(a.astype(int) - b).mean()) for a, b in zip(pictures, drawn, strict=True)) < 6
    assert rate == SOUND_RATE
    expected = [(0.0, SECOND_HERTZ), (1.0, SECOND_HERTZ), (1.5, CUT_HERTZ), (2.0, SECOND_HERTZ)]
    assert beeps(truths, 24) == expected
    for beginning, hertz in expected:
        start = round(beginning * rate)
        heard = wave[start + 960 : start + 3840]
        loudest = np.argmax(np.abs(np.fft.rfft(heard))) * rate / len(heard)
        assert abs(loudest - hertz) < 20
        assert np.abs(wave[start + 9600 : start + 19200]).max() < 0.02
    truth = json.loads((tmp_path / "new" / "clip.mp4.truth.json").read_text())
    assert truth["size"] == list(SIZE)
    assert [frame["change"] for frame in truth["frames"]] == [t.change for t in truths]
    assert truth["beeps"] == [list(beep) for beep in expected]


def test_folder_of_images(tmp_path: Path) -> None:
    shots = (Shot(scene=1, frames=3, on=1),)
    write_clip(tmp_path / "clip", shots, (45, 81))
    names = sorted(path.name for path in (tmp_path / "clip").iterdir())
    assert names == ["000000.png", "000001.png", "000002.png"]
    for name, frame in zip(names, draw_clip(shots, (45, 81)), strict=True):
        assert np.array_equal(read_image(tmp_path / "clip" / name), frame.picture)
    assert json.loads((tmp_path / "clip.truth.json").read_text())["frames"][0]["change"] == "first"


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="size: found 45x81, expected even numbers"):
        write_clip(tmp_path / "clip.mp4", STANDARD, (45, 81))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        write_clip(tmp_path / "file" / "clip.mp4", STANDARD, SIZE)
