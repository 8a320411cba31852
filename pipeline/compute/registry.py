"""What binds the pure stages to the pipeline: what each reads, and what does its work.

What a stage reads may depend on its method: `binding_of` says it for a config, `needed_for` which stages a
result rests on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from configs.sections import Config
from pipeline.compute import stage_work
from pipeline.compute.item_source import ItemSource
from pipeline.compute.stage_work import Compute, Together
from pipeline.store.array_specs import Array
from pipeline.store.fingerprints import resolved_method
from stages import (
    coarse_flow,
    evaluation,
    features,
    imported_flow,
    inverse_search,
    matching,
    piece_descriptors,
    refinement,
    segmentation,
    synthesis,
)

Unit = Literal["frame", "pair"]
FrameInput = Literal["content", "size", "nothing"]


@dataclass(frozen=True, slots=True)
class StageBinding:
    """A stage as the pipeline sees it."""

    name: str
    unit: Unit
    reads: tuple[str, ...]
    """Earlier stages, for each frame of the item where those work on frames."""
    version: int
    work: Compute | Together
    frames: FrameInput = "content"
    """What of the source frames its results depend on."""
    imports: bool = False
    """Whether it reads the flow files in `coarse_flow.imported_from`."""

    def units(self, count: int) -> str:
        """`frame`, `frames`, `pair` or `pairs`."""
        return self.unit if count == 1 else f"{self.unit}s"

    def compute(self, item: ItemSource, config: Config) -> dict[str, Array]:
        """The arrays of one item."""
        if isinstance(self.work, Together):
            return self.work.compute([self.work.read(item, config)], config)[0]
        return self.work(item, config)


_BINDINGS = (
    StageBinding("segmentation", "frame", (), segmentation.STAGE_VERSION, stage_work.segment_frame),
    StageBinding("features", "frame", ("segmentation",), features.STAGE_VERSION, stage_work.describe_frame),
    StageBinding(
        "matching",
        "pair",
        ("features", "segmentation"),
        matching.STAGE_VERSION,
        stage_work.match_pair,
        frames="nothing",
    ),
    StageBinding(
        "coarse_flow",
        "pair",
        ("matching", "segmentation"),
        coarse_flow.STAGE_VERSION,
        stage_work.flow_of_pair,
    ),
    StageBinding(
        "refinement",
        "pair",
        ("coarse_flow",),
        refinement.STAGE_VERSION,
        Together(stage_work.read_coarse_pair, stage_work.refine_pairs),
    ),
    StageBinding(
        "synthesis",
        "pair",
        ("refinement",),
        synthesis.STAGE_VERSION,
        Together(stage_work.read_refined_pair, stage_work.draw_pairs),
    ),
    StageBinding(
        "evaluation",
        "pair",
        ("synthesis", "refinement", "coarse_flow", "matching", "segmentation"),
        evaluation.STAGE_VERSION,
        stage_work.score_pair,
        frames="nothing",
    ),
)

STAGES: Mapping[str, StageBinding] = MappingProxyType({binding.name: binding for binding in _BINDINGS})
"""The stages in the order of the work, as they are with segment-guided matching and weights."""

BY_METHOD: Mapping[tuple[str, ...], StageBinding] = MappingProxyType(
    {
        ("features", "appearance"): StageBinding(
            "features",
            "frame",
            ("segmentation",),
            piece_descriptors.STAGE_VERSION,
            stage_work.describe_frame_by_appearance,
        ),
        ("coarse_flow", "zero"): StageBinding(
            "coarse_flow", "pair", (), coarse_flow.STAGE_VERSION, stage_work.zero_flow_of_pair, frames="size"
        ),
        ("coarse_flow", "imported"): StageBinding(
            "coarse_flow",
            "pair",
            (),
            imported_flow.STAGE_VERSION,
            stage_work.imported_flow_of_pair,
            frames="size",
            imports=True,
        ),
        # A run without segment-guided matching has no pieces to search in, and no matches to score.
        **{
            ("refinement", "inverse_search", method): StageBinding(
                "refinement", "pair", reads, inverse_search.STAGE_VERSION, stage_work.search_pair
            )
            for method, reads in (
                ("sgm", ("coarse_flow", "segmentation")),
                ("zero", ("coarse_flow",)),
                ("imported", ("coarse_flow",)),
            )
        },
        **{
            ("evaluation", method): StageBinding(
                "evaluation",
                "pair",
                ("synthesis", "refinement", "coarse_flow"),
                evaluation.STAGE_VERSION,
                stage_work.score_pair,
                frames="nothing",
            )
            for method in ("zero", "imported")
        },
    }
)
"""Stages that read other things under another method."""

DECIDED_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "features": ("features",),
        "coarse_flow": ("coarse_flow",),
        "refinement": ("refinement", "coarse_flow"),
        "evaluation": ("coarse_flow",),
    }
)
"""Whose methods say which binding a stage has."""


def binding_of(stage: str, config: Config) -> StageBinding:
    """A stage as it is under a config."""
    methods = (resolved_method(name, config) for name in DECIDED_BY.get(stage, ()))
    return BY_METHOD.get((stage, *methods), STAGES[stage])


def needed_for(last: str, config: Config) -> tuple[str, ...]:
    """A stage and all those that it reads, directly or not, in the order of the work."""
    needed = {last}
    for stage in reversed(list(STAGES)):
        if stage in needed:
            needed.update(binding_of(stage, config).reads)
    return tuple(stage for stage in STAGES if stage in needed)
