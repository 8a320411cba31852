"""Folders of tiny datasets, and reading them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from animeinterp.configs.sections import DataSection
from animeinterp.data.file_facts import FileFacts
from animeinterp.data.images import write_image
from animeinterp.data.layouts import read_dataset
from animeinterp.data.manifest import Manifest

ANNOTATION: dict[str, Any] = {
    "level": 1,
    "motion_RoI": {"x": 2, "y": 1, "width": 8, "height": 4},
    "general_motion_type": "rotation",
    "behavior": "waving",
    "image_size": [16, 12],
}


def draw(path: Path, value: int = 0, size: tuple[int, int] = (12, 16)) -> None:
    write_image(path, np.full((*size, 3), value, np.uint8))


def read(root: Path, tmp_path: Path, **settings: Any) -> Manifest:
    return read_dataset(DataSection(root=root, **settings), FileFacts(tmp_path / "facts.json"))


def pairs_in(root: Path, *names: str) -> None:
    """Folders of two images each."""
    for name in names:
        for number in (1, 2):
            draw(root / name / f"{number}.png", number)


def ids(manifest: Manifest) -> list[str]:
    return [pair.id for pair in manifest.pairs if pair.error is None]


def write_atd12k(root: Path) -> Path:
    """The test split of ATD-12K, with three triplets and one annotation."""
    for k, name in enumerate(("Japan_b_s2", "Disney_a_s1", "other")):
        for number in (1, 2, 3):
            draw(root / "test_2k_540p" / name / f"frame{number}.png", 10 * k + number)
    (root / "test_2k_annotations" / "Japan_b_s2").mkdir(parents=True)
    (root / "test_2k_annotations" / "Japan_b_s2" / "Japan_b_s2.json").write_text(json.dumps(ANNOTATION))
    return root
