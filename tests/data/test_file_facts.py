from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from animeinterp.data import file_facts
from animeinterp.data.file_facts import FileFact, FileFacts
from animeinterp.data.images import write_image
from tests.data.odd_images import exif, png


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
    monkeypatch.setattr(
        file_facts, "_look_into", lambda path, former: looked.append(path) or look_into(path, former)
    )
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


def set_back(path: Path, before: FileFact) -> None:
    """Let a file look as it did to whoever asks for length and modification time only."""
    os.utime(path, ns=(before.modified, before.modified))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.length, before.modified)


def test_a_file_replaced_by_another_of_its_length_and_time_is_seen(tmp_path: Path, image: Path) -> None:
    before = learnt(tmp_path, image)
    other = bytearray(image.read_bytes())
    other[-1] ^= 1
    (tmp_path / "other.png").write_bytes(other)
    set_back(tmp_path / "other.png", before)
    (tmp_path / "other.png").replace(image)
    assert learnt(tmp_path, image).digest == hashlib.sha256(other).hexdigest() != before.digest


def test_a_file_written_over_in_place_with_its_time_set_back_is_seen(tmp_path: Path, image: Path) -> None:
    before = learnt(tmp_path, image)
    time.sleep(0.02)  # clocks of file systems tick a hundred times a second or more
    with image.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")
    set_back(image, before)
    assert learnt(tmp_path, image).digest == hashlib.sha256(image.read_bytes()).hexdigest() != before.digest


def test_a_link_to_another_file_of_the_same_length_and_time_is_seen(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("b", b"two")):
        (tmp_path / name).write_bytes(content)
        os.utime(tmp_path / name, ns=(1, 1))
    link = tmp_path / "link.npy"
    link.symlink_to("a")
    before = learnt(tmp_path, link)
    link.unlink()
    link.symlink_to("b")
    assert learnt(tmp_path, link).digest == hashlib.sha256(b"two").hexdigest() != before.digest


def test_every_byte_is_looked_at_again_when_asked(
    tmp_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt(tmp_path, image)
    index = tmp_path / "facts.json"
    spoilt = index.read_text().replace(hashlib.sha256(image.read_bytes()).hexdigest(), "0" * 64)
    rows = spoilt[spoilt.index('"files": ') + 9 : -1]
    index.write_text(
        f'{{"format": 3, "digest": "{hashlib.sha256(rows.encode()).hexdigest()}", "files": {rows}}}'
    )
    assert learnt(tmp_path, image).digest == "0" * 64  # as a disk that forgot would have it
    facts = FileFacts(index, rehash=True)
    facts.learn([image])
    assert facts[image].digest == hashlib.sha256(image.read_bytes()).hexdigest()
    looked: list[Path] = []
    monkeypatch.setattr(file_facts, "_look_into", lambda path, _: looked.append(path))
    facts.learn([image])
    assert not looked  # once is enough
    facts.save()
    assert FileFacts(index)[image].digest == hashlib.sha256(image.read_bytes()).hexdigest()


def of_version_0_1(index: Path, *paths: Path, digest: str | None = None) -> None:
    """Write the index that version 0.1 left of files."""
    rows = json.dumps(
        {
            str(path): (
                path.stat().st_size,
                path.stat().st_mtime_ns,
                digest or hashlib.sha256(path.read_bytes()).hexdigest(),
                (6, 9),
            )
            for path in paths
        }
    )
    index.write_text(
        f'{{"format": 2, "digest": "{hashlib.sha256(rows.encode()).hexdigest()}", "files": {rows}}}'
    )


def test_the_index_of_version_0_1_is_taken_over_without_reading_the_files(
    tmp_path: Path, image: Path
) -> None:
    of_version_0_1(tmp_path / "facts.json", image, digest="a" * 64)  # not its own: nobody looks
    fact = learnt(tmp_path, image)
    assert (fact.digest, fact.size) == ("a" * 64, (6, 9))
    assert fact.inode == image.stat().st_ino
    assert FileFacts(tmp_path / "facts.json")[image] == fact
    assert json.loads((tmp_path / "facts.json").read_text())["format"] == 3
    image.write_bytes(image.read_bytes() + b"!")
    assert learnt(tmp_path, image).digest == hashlib.sha256(image.read_bytes()).hexdigest()


def test_images_that_version_0_1_read_otherwise_have_another_digest(tmp_path: Path) -> None:
    plain, odd = tmp_path / "plain.png", tmp_path / "odd.png"
    pixels = np.zeros((6, 9, 3), np.uint8)
    plain.write_bytes(png(pixels, 2))
    odd.write_bytes(png(pixels, 2, (b"eXIf", exif(6))))
    of_version_0_1(tmp_path / "facts.json", plain, odd)
    for _ in range(2):
        facts = FileFacts(tmp_path / "facts.json")
        facts.learn([plain, odd])
        facts.save()
        assert facts[plain].digest == hashlib.sha256(plain.read_bytes()).hexdigest()
        assert facts[odd].digest != hashlib.sha256(odd.read_bytes()).hexdigest()
        assert (facts[plain].size, facts[odd].size) == ((6, 9), (9, 6))
    anew = FileFacts(tmp_path / "absent.json")
    anew.learn([odd])
    assert anew[odd] == facts[odd]


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
    back = learnt(tmp_path, image)
    assert (back.digest, back.size, back.modified) == (before.digest, before.size, before.modified)


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
    monkeypatch.setattr(file_facts, "read_header", None)
    (tmp_path / "flow.npy").write_bytes(b"numbers")
    fact = learnt(tmp_path, tmp_path / "flow.npy")
    assert (fact.readable, fact.length, fact.size) == (True, 7, None)
    assert not learnt(tmp_path, tmp_path / "absent.npy").readable
