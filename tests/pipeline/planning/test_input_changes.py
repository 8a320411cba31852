from __future__ import annotations

import pytest

from animeinterp.pipeline.planning.input_changes import (
    NO_ANNOTATION,
    InputChange,
    change_in_words,
    input_changes,
)
from animeinterp.pipeline.planning.item_inputs import ItemInputs
from animeinterp.pipeline.store.shard_manifest import ItemRecord


def test_only_inputs_that_differ_are_changes() -> None:
    record = ItemRecord("a", "ok", inputs={"frame0": "1", "truth": "2", "segmentation/1": "3"})
    need = ItemInputs("", inputs={"frame0": "1", "segmentation/1": "4", "annotation": "5"})
    found = input_changes(record, need)
    assert [(change.name, change.old, change.new) for change in found] == [
        ("segmentation/1", "3", "4"),
        ("annotation", None, "5"),
        ("truth", "2", None),
    ]
    assert [change.stage for change in found] == ["segmentation", None, None]


@pytest.mark.parametrize(
    ("change", "stage", "words"),
    [
        (InputChange("frame0", "1", "2"), "features", "frame changed"),
        (InputChange("frame0", "1", "2"), "refinement", "frame0 changed"),
        (InputChange("truth", None, "2"), "evaluation", "truth added"),
        (InputChange("annotation", NO_ANNOTATION, "((1,), 2)"), "evaluation", "annotation added"),
        (InputChange("annotation", "((1,), 2)", NO_ANNOTATION), "evaluation", "annotation removed"),
        (InputChange("size1", "(4, 5)", "(8, 9)"), "coarse_flow", "size1: (4, 5) -> (8, 9)"),
        (InputChange("style", "anime", "disney"), "segmentation", "style: anime -> disney"),
    ],
)
def test_changes_in_words(change: InputChange, stage: str, words: str) -> None:
    assert change_in_words(change, stage) == words
