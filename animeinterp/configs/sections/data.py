"""Settings of the dataset."""

from __future__ import annotations

from typing import Literal

from animeinterp.configs.sections.section import (
    OptionalFolder,
    Section,
    Style,
)


class DataSection(Section):
    """Which frames to read."""

    root: OptionalFolder = None
    """Folder of the dataset: an ATD-12K root, one split's folder, or a folder of pair folders."""
    layout: Literal["auto", "atd12k", "folders", "pair", "listed"] = "auto"
    """`atd12k` reads `<split folder>/<id>/frame1..3`; `folders` reads any folder of pair or triplet folders;
    `pair` reads the root itself as one pair or triplet; `listed` reads the pairs named in
    `<root>/pairs.json`; `auto` = `listed` if this file exists, `atd12k` if the root contains the split's
    folder, else `folders` or `pair`, whichever the root is."""
    split: Literal["test", "train"] = "test"
    """Which half of ATD-12K."""
    style: Literal["auto", "anime", "disney"] = "auto"
    """Segmentation preset of the frames; `auto` = by folder name (`Japan_`, `Disney_`)."""
    unnamed_style: Style = "anime"
    """Preset for other names. The released label-map script uses anime, its flow script disney."""
