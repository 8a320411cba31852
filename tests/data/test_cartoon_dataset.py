from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animeinterp.configs.errors import DataError
from animeinterp.configs.files import replace_file
from animeinterp.data.cartoon import dataset, draw_triplet, write_dataset
from animeinterp.data.truth import read_truth

SIZE = (32, 56)


def _files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_test_split_lies_as_in_atd12k(tmp_path: Path) -> None:
    ids = write_dataset(tmp_path, 2, seed=3, size=SIZE)
    assert ids == [draw_triplet(seed, SIZE).id for seed in (3, 4)]
    assert _files(tmp_path) == {
        f"{folder}"
        for name in ids
        for folder in (
            *(f"test_2k_540p/{name}/frame{i}.png" for i in (1, 2, 3)),
            f"test_2k_annotations/{name}/{name}.json",
            f"test_2k_truth/{name}/truth.npz",
        )
    }
    drawn = draw_triplet(3, SIZE)
    for i, frame in enumerate((drawn.frame0, drawn.middle, drawn.frame1), 1):
        with Image.open(tmp_path / "test_2k_540p" / ids[0] / f"frame{i}.png") as image:
            assert np.array_equal(np.asarray(image), frame)
    notes = json.loads((tmp_path / "test_2k_annotations" / ids[0] / f"{ids[0]}.json").read_text())
    assert notes == drawn.annotation


def test_train_split_has_jpegs_and_no_annotations(tmp_path: Path) -> None:
    (name,) = write_dataset(tmp_path, 1, size=SIZE, split="train")
    frames = {f"train_10k/{name}/frame{i}.jpg" for i in (1, 2, 3)}
    assert _files(tmp_path) == {*frames, f"train_10k_truth/{name}/truth.npz"}


def test_truth_is_read_back(tmp_path: Path) -> None:
    (name,) = write_dataset(tmp_path, 1, size=SIZE)
    truth = read_truth(tmp_path / "test_2k_truth" / name / "truth.npz")
    drawn = draw_triplet(0, SIZE)
    assert set(truth) == {"flow01", "flow10", "occluded01", "occluded10", "pieces0", "pieces1"}
    for key, array in truth.items():
        wanted = getattr(drawn, key)
        assert array.dtype == wanted.dtype
        assert np.array_equal(array, wanted)


def _count_drawings(monkeypatch: pytest.MonkeyPatch, fail_from: int = 10**6) -> list[int]:
    drawn: list[int] = []

    def draw(seed: int, size: tuple[int, int]) -> object:
        if len(drawn) >= fail_from:
            raise KeyboardInterrupt
        drawn.append(seed)
        return draw_triplet(seed, size)

    monkeypatch.setattr(dataset, "draw_triplet", draw)
    return drawn


def test_complete_triplets_are_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(tmp_path, 2, size=SIZE)
    drawn = _count_drawings(monkeypatch)
    write_dataset(tmp_path, 3, size=SIZE)
    assert drawn == [2]


def test_interrupted_write_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _count_drawings(monkeypatch, fail_from=2)
    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path, 4, size=SIZE)
    drawn = _count_drawings(monkeypatch)
    write_dataset(tmp_path, 4, size=SIZE)
    assert drawn == [2, 3]


@pytest.mark.parametrize("stop_at", ["frame2.png", "frame3.png", "truth.npz"])
def test_kill_between_files_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: str) -> None:
    def killed(path: Path, content: bytes) -> None:
        if path.name == stop_at:
            raise KeyboardInterrupt
        replace_file(path, content)

    (name,) = write_dataset(tmp_path, 1, size=SIZE)
    with monkeypatch.context() as patch:
        patch.setattr(dataset, "replace_file", killed)
        with pytest.raises(KeyboardInterrupt):
            write_dataset(tmp_path, 1, size=(40, 56))
    # Neither the old nor the new recipe may take the mixture for its own.
    write_dataset(tmp_path, 1, size=SIZE)
    for i in (1, 2, 3):
        with Image.open(tmp_path / "test_2k_540p" / name / f"frame{i}.png") as image:
            assert image.size == SIZE[::-1]


@pytest.mark.parametrize(
    "lost", ["test_2k_540p/*/frame2.png", "test_2k_annotations/*/*.json", "test_2k_truth/*/truth.npz"]
)
def test_lost_file_is_made_again(tmp_path: Path, lost: str) -> None:
    write_dataset(tmp_path, 1, size=SIZE)
    before = _files(tmp_path)
    next(tmp_path.glob(lost)).unlink()
    write_dataset(tmp_path, 1, size=SIZE)
    assert _files(tmp_path) == before


def test_damaged_truth_is_made_again(tmp_path: Path) -> None:
    (name,) = write_dataset(tmp_path, 1, size=SIZE)
    truth = tmp_path / "test_2k_truth" / name / "truth.npz"
    truth.write_bytes(truth.read_bytes()[:100])
    write_dataset(tmp_path, 1, size=SIZE)
    assert read_truth(truth)["flow01"].shape == (2, *SIZE)


def test_other_size_or_version_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(tmp_path, 1, size=SIZE)
    drawn = _count_drawings(monkeypatch)
    write_dataset(tmp_path, 1, size=(40, 56))
    monkeypatch.setattr(dataset, "DRAWING_VERSION", dataset.DRAWING_VERSION + 1)
    write_dataset(tmp_path, 1, size=(40, 56))
    assert drawn == [0, 0]


def test_other_format_leaves_only_its_frames(tmp_path: Path) -> None:
    (name,) = write_dataset(tmp_path, 1, size=SIZE)
    write_dataset(tmp_path, 1, size=SIZE, image_format="jpg")
    assert {path.name for path in (tmp_path / "test_2k_540p" / name).iterdir()} == {
        f"frame{i}.jpg" for i in (1, 2, 3)
    }


def test_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_dataset(tmp_path / folder, 1, size=SIZE)
    for path in _files(tmp_path / "a"):
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 0}, "count: found 0"),
        ({"seed": -3}, "seed: found -3"),
        ({"size": (8, 40)}, "size: found 8x40"),
        ({"split": "validation"}, "split: found 'validation'"),
        ({"image_format": "gif"}, "image_format: found 'gif'"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        write_dataset(tmp_path, **({"count": 1, "size": SIZE} | change))  # type: ignore[arg-type]
    assert not _files(tmp_path)


def test_unwritable_root_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(DataError, match=r"root: .* cannot be written"):
        write_dataset(blocked, 1, size=SIZE)
