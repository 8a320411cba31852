from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.cutouts import (
    Book,
    SetSettings,
    TrainingSet,
    draw_scene,
    kept_scenes,
    write_training_set,
)

SETTINGS = SetSettings(count=5, size=(24, 33), split="validation", seed=10, half_way=0.5, shard=2)


@pytest.fixture(scope="module")
def root(book_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("set")
    write_training_set(book_folder, root, SETTINGS)
    return root


@pytest.fixture
def own(root: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(root, tmp_path / "set"))


def test_scenes_come_back_as_they_were_drawn(book: Book, root: Path) -> None:
    kept = TrainingSet(root)
    assert len(kept) == 5
    assert kept.settings == SETTINGS
    for position in (4, 0, 2, 1, 3):
        scene = kept.scene(position)
        assert scene.seed == 10 + position
        drawn = draw_scene(
            book, scene.seed, (24, 33), (scene.t,), split="validation", degraded=scene.degraded
        )
        assert np.array_equal(scene.frames, [drawn.frame0, drawn.middle[0], drawn.frame1])
        assert scene.frames.dtype == np.uint8
        assert scene.flows.dtype == np.float16
        assert np.array_equal(scene.flows, np.stack([drawn.flow01, drawn.flow10]).astype(np.float16))
        assert scene.occluded.dtype == np.bool_
        assert np.array_equal(scene.occluded, [drawn.occluded01, drawn.occluded10])
    kept.close()


def test_few_files_stay_open(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_scenes, "OPEN_SHARDS", 1)
    kept = TrainingSet(root)
    for position in (0, 4, 1, 0):
        kept.scene(position)
    assert len(kept._open) == 1
    kept.close()


def test_a_set_can_be_sent_to_other_processes(root: Path) -> None:
    kept = TrainingSet(root)
    first = kept.scene(0)
    sent = pickle.loads(pickle.dumps(kept))
    assert np.array_equal(sent.scene(0).frames, first.frames)
    sent.close()
    kept.close()


def test_a_forked_process_opens_its_own_files(root: Path) -> None:
    kept = TrainingSet(root)
    opened = kept._archive(0)
    kept._process -= 1  # as a child finds it
    assert kept._archive(0) is not opened
    assert kept.scene(0).seed == 10
    kept.close()


@pytest.mark.parametrize("position", [-1, 5])
def test_there_is_no_other_scene(root: Path, position: int) -> None:
    with pytest.raises(IndexError, match="of a training set of 5"):
        TrainingSet(root).scene(position)


def test_times_and_degradation_have_the_shares_asked_for(book_folder: Path, tmp_path: Path) -> None:
    write_training_set(book_folder, tmp_path, SetSettings(40, (16, 16), half_way=0.5, degraded=0.25))
    kept = TrainingSet(tmp_path)
    scenes = [kept.scene(i) for i in range(40)]
    assert 10 < sum(scene.t == 0.5 for scene in scenes) < 30
    assert all(0.1 <= scene.t <= 0.9 for scene in scenes)
    assert 3 < sum(scene.degraded for scene in scenes) < 18
    kept.close()


def test_damage_is_found(own: Path) -> None:
    path = own / "shard_00001.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 255
    path.write_bytes(content)
    (own / "shard_00002.npz").unlink()
    kept = TrainingSet(own)
    for position in (2, 4):
        with pytest.raises(DataError, match=f"scene {position} cannot be read"):
            kept.scene(position)
    kept.close()


def test_a_truncated_file_names_the_scene(own: Path) -> None:
    path = own / "shard_00000.npz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"shard_00000.npz: scene 1 cannot be read .*remove the file"):
        TrainingSet(own).scene(1)


def test_a_record_that_is_missing_old_or_changed_is_refused(own: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no complete training set"):
        TrainingSet(tmp_path / "nowhere")
    record = (own / "training_set.json").read_text()
    (own / "training_set.json").write_text(record.replace('"seed": 10', '"seed": 11'))
    with pytest.raises(DataError, match="not the record that digests.json belongs to"):
        TrainingSet(own)
    about = json.loads(record)
    about["versions"]["set"] = 0
    (own / "training_set.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match="version 0, expected 1"):
        TrainingSet(own)
    (own / "training_set.json").write_text("{}")
    with pytest.raises(DataError, match="no complete training set"):
        TrainingSet(own)
