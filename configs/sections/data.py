"""Settings of what comes in."""

from __future__ import annotations

from typing import Literal

from configs.sections.section import (
    OptionalFolder,
    Section,
    Style,
)


class DataSection(Section):
    """Which frames to read."""

    root: OptionalFolder = None
    """Folder of the dataset: an ATD-12K root, one split's folder, or a folder of pair folders."""
    layout: Literal["auto", "atd12k", "folders", "listed"] = "auto"
    """`atd12k` reads `<split folder>/<id>/frame1..3`; `folders` reads any folder of pair or triplet folders;
    `listed` reads the pairs named in `<root>/pairs.json`; `auto` takes `listed` where there is such a file,
    and `atd12k` when the root holds the split's folder."""
    split: Literal["test", "train"] = "test"
    """Which half of ATD-12K."""
    style: Literal["auto", "anime", "disney"] = "auto"
    """Segmentation preset of the frames; `auto` goes by folder name (`Japan_`, `Disney_`)."""
    unnamed_style: Style = "anime"
    """Preset for names that start with neither. The released label-map script takes anime, its flow
    script disney."""
