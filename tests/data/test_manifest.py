from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animeinterp.configs.sections import DataSection
from animeinterp.data.file_facts import FileFacts
from animeinterp.data.images import write_image
from animeinterp.data.manifest import FoundPair, Manifest, build_manifest


def draw(path: Path, value: int = 0, size: tuple[int, int] = (6, 9)) -> Path:
    write_image(path, np.full((*size, 3), value, np.uint8))
    return path


def build(tmp_path: Path, *found: FoundPair, **settings: Any) -> Manifest:
    return build_manifest(tmp_path, found, DataSection(**settings), FileFacts(tmp_path / "facts.json"))


@pytest.fixture
def images(tmp_path: Path) -> tuple[Path, ...]:
    return tuple(draw(tmp_path / "clip" / f"{k}.png", k) for k in range(4))


def test_a_frame_shared_by_neighbouring_pairs_stands_once(tmp_path: Path, images: tuple[Path, ...]) -> None:
    pairs = [FoundPair(f"clip_{k}", images[k : k + 2]) for k in range(3)]
    manifest = build(tmp_path, *pairs)
    assert [frame.path for frame in manifest.frames] == list(images)
    assert [pair.frames for pair in manifest.pairs] == [(0, 1), (1, 2), (2, 3)]
    assert [frame.id for frame in manifest.frames] == ["clip_0/0", "clip_0/1", "clip_1/2", "clip_2/3"]
    assert manifest.root == tmp_path


def test_ground_truth_is_no_frame_to_work_on(tmp_path: Path, images: tuple[Path, ...]) -> None:
    manifest = build(tmp_path, FoundPair("clip", (images[0], images[2]), images[1]))
    assert len(manifest.frames) == 2
    truth = manifest.pairs[0].truth
    assert truth is not None
    assert (truth.id, truth.path, truth.size) == ("clip/1", images[1], (6, 9))
    assert truth.digest not in {frame.digest for frame in manifest.frames}


def test_equal_content_has_equal_digests(tmp_path: Path, images: tuple[Path, ...]) -> None:
    same = draw(tmp_path / "other" / "x.png", 0)
    digests = [frame.digest for frame in build(tmp_path, FoundPair("a", (images[0], same))).frames]
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("Japan_x", {}, "anime"),
        ("Disney_x", {}, "disney"),
        ("clip", {}, "anime"),
        ("clip", {"unnamed_style": "disney"}, "disney"),
        ("Disney_x", {"style": "anime"}, "anime"),
        ("My_Disney_x", {}, "anime"),
    ],
)
def test_style_follows_the_name_unless_chosen(
    tmp_path: Path, images: tuple[Path, ...], name: str, settings: dict[str, Any], expected: str
) -> None:
    manifest = build(tmp_path, FoundPair(name, images[:2]), **settings)
    assert {frame.style for frame in manifest.frames} == {expected}


def test_frames_of_two_sizes_are_the_pairs_error(tmp_path: Path, images: tuple[Path, ...]) -> None:
    wide = draw(tmp_path / "clip" / "wide.png", size=(6, 12))
    found = build(tmp_path, FoundPair("a", (images[0], wide)), FoundPair("b", images[:2]))
    assert "0.png is 9x6, wide.png is 12x6" in (found.pairs[0].error or "")
    assert found.pairs[1].error is None


def test_an_error_of_the_reader_stays(tmp_path: Path, images: tuple[Path, ...]) -> None:
    found = build(tmp_path, FoundPair("a", images[:1], error="one image"), FoundPair("b", ()))
    assert [pair.error for pair in found.pairs] == ["one image", None]
    assert found.pairs[1].frames == ()


def test_unreadable_frames_have_no_size_and_no_error_yet(tmp_path: Path, images: tuple[Path, ...]) -> None:
    found = build(tmp_path, FoundPair("a", (images[0], tmp_path / "absent.png")))
    assert found.frames[1].size is None
    assert found.pairs[0].error is None


def test_frames_that_differ_in_suffix_alone_have_ids_of_their_own(tmp_path: Path) -> None:
    both = tuple(draw(tmp_path / "clip" / f"frame.{suffix}") for suffix in ("jpg", "png"))
    assert len({frame.id for frame in build(tmp_path, FoundPair("clip", both)).frames}) == 2
