from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.annotations import read_annotation

REGION = {"x": 2, "y": 1.5, "width": 8, "height": 4}


def write(tmp_path: Path, content: dict[str, Any] | str) -> Path:
    path = tmp_path / "pair.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_whole_annotation(tmp_path: Path) -> None:
    content = {
        "motion_RoI": REGION,
        "image_size": [960, 540],
        "level": 2,
        "general_motion_type": "rotation",
        "behavior": "waving",
        "unheard_of": [1, 2],
    }
    found = read_annotation(write(tmp_path, content))
    region = found.motion_RoI
    assert (region.x, region.y, region.width, region.height) == (2, 1.5, 8, 4)
    assert found.image_size == (960, 540)
    assert (found.level, found.general_motion_type, found.behavior) == (2, "rotation", "waving")


def test_what_scoring_does_not_need_may_be_absent(tmp_path: Path) -> None:
    found = read_annotation(write(tmp_path, {"motion_RoI": REGION, "image_size": [960, 540]}))
    assert (found.level, found.general_motion_type, found.behavior) == (None, None, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Expecting value"),
        ("[]", "top level: input should be"),
        ({"motion_RoI": REGION}, "image_size: field required"),
        ({"image_size": [4, 3]}, "motion_RoI: field required"),
        ({"motion_RoI": REGION | {"x": -1}, "image_size": [4, 3]}, r"motion_RoI\.x: "),
        ({"motion_RoI": REGION | {"height": 0}, "image_size": [4, 3]}, r"motion_RoI\.height: "),
        ({"motion_RoI": REGION | {"x": float("nan")}, "image_size": [4, 3]}, r"motion_RoI\.x: "),
        ({"motion_RoI": REGION | {"width": float("inf")}, "image_size": [4, 3]}, r"motion_RoI\.width: "),
        ({"motion_RoI": REGION, "image_size": [4, 3, 3]}, "image_size: "),
        ({"motion_RoI": REGION, "image_size": [4, 3], "level": 3}, "level: "),
        ({"motion_RoI": REGION, "image_size": [4, 3], "level": "hard"}, "level: "),
    ],
)
def test_malformed_annotation_is_refused_by_name(
    tmp_path: Path, content: dict[str, Any] | str, said: str
) -> None:
    with pytest.raises(DataError, match=rf"pair\.json: malformed annotation \({said}.*repair or remove"):
        read_annotation(write(tmp_path, content))


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pair.json").write_bytes(b'{"behavior": "\xff"}')
    with pytest.raises(DataError, match="malformed annotation"):
        read_annotation(tmp_path / "pair.json")


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent.json: cannot be read .No such file"):
        read_annotation(tmp_path / "absent.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_annotation(tmp_path)
