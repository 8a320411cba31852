from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from data import file_facts
from data.file_facts import FileFact, FileFacts
from data.images import write_image


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "frame.png"
    write_image(path, np.zeros((6, 9, 3), np.uint8))
    return path


def learnt(tmp_path: Path, path: Path) -> FileFact:
    facts = FileFacts(tmp_path / "facts.json")
    facts.learn([path])
    facts.save()
    return facts[path]


def test_facts_of_an_image(tmp_path: Path, image: Path) -> None:
    fact = learnt(tmp_path, image)
    assert fact.digest == hashlib.sha256(image.read_bytes()).hexdigest()
    assert fact.size == (6, 9)
    assert (fact.length, fact.modified) == (image.stat().st_size, image.stat().st_mtime_ns)
    remembered = FileFacts(tmp_path / "facts.json")
    assert remembered[image] == fact


def test_files_are_looked_into_once(tmp_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []
    look_into = file_facts._look_into
    monkeypatch.setattr(file_facts, "_look_into", lambda path: looked.append(path) or look_into(path))
    facts = FileFacts(tmp_path / "facts.json")
    facts.learn([image, image])
    facts.learn([image])
    assert looked == [image]
    facts.save()
    FileFacts(tmp_path / "facts.json").learn([image])
    assert looked == [image]


def test_changed_content_is_seen_by_length_or_time(tmp_path: Path, image: Path) -> None:
    before = learnt(tmp_path, image)
    write_image(image, np.full((6, 9, 3), 255, np.uint8))
    after = learnt(tmp_path, image)
    assert after.digest != before.digest
    image.write_bytes(image.read_bytes() + b"!")
    os.utime(image, ns=(after.modified, after.modified))
    assert learnt(tmp_path, image).digest != after.digest


def test_a_touched_file_keeps_its_digest(tmp_path: Path, image: Path) -> None:
    before = learnt(tmp_path, image)
    os.utime(image, ns=(1, 1))
    after = learnt(tmp_path, image)
    assert after.modified == 1
    assert after.digest == before.digest


def test_files_that_are_no_image_have_a_digest_but_no_size(tmp_path: Path) -> None:
    (tmp_path / "note.png").write_text("dear diary")
    fact = learnt(tmp_path, tmp_path / "note.png")
    assert fact.size is None
    assert fact.length == 10


def test_files_that_vanish_and_return(tmp_path: Path, image: Path) -> None:
    before = learnt(tmp_path, image)
    image.rename(tmp_path / "aside.png")
    gone = learnt(tmp_path, image)
    assert (gone.length, gone.size) == (-1, None)
    assert gone.digest != before.digest
    assert learnt(tmp_path, image) == gone
    (tmp_path / "aside.png").rename(image)
    assert learnt(tmp_path, image) == before


def test_nothing_new_leaves_the_index_alone(tmp_path: Path, image: Path) -> None:
    learnt(tmp_path, image)
    index = tmp_path / "facts.json"
    os.utime(index, ns=(1, 1))
    learnt(tmp_path, image)
    assert index.stat().st_mtime_ns == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["facts.json", "frame.png"]


def test_index_that_cannot_be_written_is_the_callers_trouble(tmp_path: Path, image: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    facts = FileFacts(tmp_path / "file" / "facts.json")
    facts.learn([image])
    with pytest.raises(OSError, match="exists|directory"):
        facts.save()


def test_only_images_are_opened_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_facts, "image_size", None)
    (tmp_path / "flow.npy").write_bytes(b"numbers")
    fact = learnt(tmp_path, tmp_path / "flow.npy")
    assert (fact.readable, fact.length, fact.size) == (True, 7, None)
    assert not learnt(tmp_path, tmp_path / "absent.npy").readable
