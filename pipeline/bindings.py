"""What binds the pure stages to the pipeline: what each reads, and how arrays go in and come out.

What a stage reads may depend on its method: `binding_of` says it for a config, `needed_for` which stages a
result rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from configs.errors import DataError
from configs.sections import Config
from data.images import read_image
from data.sgm_folders import read_flow
from data.truth import read_truth
from pipeline.item_source import ItemSource
from pipeline.networks import load_network
from pipeline.variables import Array
from stages import (
    coarse_flow,
    evaluation,
    features,
    flow_scores,
    imported_flow,
    matching,
    matching_scores,
    refinement,
    segmentation,
    synthesis,
)

Unit = Literal["frame", "pair"]
FrameInput = Literal["content", "size", "nothing"]


Compute = Callable[[ItemSource, Config], dict[str, Array]]


@dataclass(frozen=True, slots=True)
class Together:
    """How a stage takes several items of one frame size at once."""

    read: Callable[[ItemSource, Config], Any]
    """An item's inputs."""
    size: Callable[[Any], tuple[int, int]]
    """Height and width of the frames of these inputs."""
    times: Callable[[Any], tuple[float, ...]]
    """Times of the frames wanted of them."""
    compute: Callable[[Sequence[Any], Config], list[dict[str, Array]]]
    """The arrays of each."""


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

    def compute(self, item: ItemSource, config: Config) -> dict[str, Array]:
        """The arrays of one item."""
        if isinstance(self.work, Together):
            return self.work.compute([self.work.read(item, config)], config)[0]
        return self.work(item, config)


def _segmentation(item: ItemSource, config: Config) -> dict[str, Array]:
    # The first stage to read a frame is the one that makes sure the file is whole.
    preset = config.segmentation.anime if item.style == "anime" else config.segmentation.disney
    pieces = segmentation.segment(
        item.frame(0, verify=True), preset, merge_rounds=config.segmentation.merge_rounds
    )
    return {
        "label_map": pieces.label_map,
        "area": pieces.area,
        "centroid": pieces.centroid,
        "box": pieces.box,
    }


def _features(item: ItemSource, config: Config) -> dict[str, Array]:
    pieces = item.pieces(0)
    network = load_network("features", config)
    described = features.describe_pieces(
        item.frame(0), pieces.label_map, len(pieces.area), network, device=config.executor.device
    )
    return {"piece_features": described}


def _matching(item: ItemSource, config: Config) -> dict[str, Array]:
    features0, features1 = (item.read("features", k)["piece_features"] for k in (0, 1))
    result = matching.match_pieces(features0, features1, item.pieces(0), item.pieces(1), config.matching)
    kept = (
        result.affinity
        if config.matching.keep_affinity and result.affinity is not None
        else np.zeros(0, np.float32)
    )
    return {
        "match01": result.match01,
        "match10": result.match10,
        "rank_sum01": result.rank_sum01,
        "rank_sum10": result.rank_sum10,
        "score01": result.score01,
        "score10": result.score10,
        "affinity": kept.reshape(-1),
    }


def matching_of(arrays: Mapping[str, Array]) -> matching.Matching:
    """Matching as the stage returned it, without the affinity matrix."""
    return matching.Matching(**{k: v for k, v in arrays.items() if k != "affinity"}, affinity=None)


def _coarse_flow(item: ItemSource, config: Config) -> dict[str, Array]:
    result = coarse_flow.generate_coarse_flow(
        item.frame(0),
        item.frame(1),
        item.pieces(0),
        item.pieces(1),
        matching_of(item.read("matching")),
        config.coarse_flow,
    )
    return _flow_arrays(result)


def _flow_arrays(result: coarse_flow.CoarseFlow) -> dict[str, Array]:
    return {
        "coarse_flow01": result.flow01,
        "coarse_flow10": result.flow10,
        "fate01": result.fate01,
        "fate10": result.fate10,
    }


def _zero_flow(item: ItemSource, config: Config) -> dict[str, Array]:  # noqa: ARG001 - a Compute
    return _flow_arrays(coarse_flow.zero_coarse_flow(item.size()))


def _imported_flow(item: ItemSource, config: Config) -> dict[str, Array]:  # noqa: ARG001 - a Compute
    first, second = item.flows
    try:
        result = imported_flow.import_coarse_flow(
            read_flow(first), read_flow(second), item.size(), (str(first), str(second))
        )
    except ValueError as error:
        raise DataError(str(error)) from None
    return _flow_arrays(result)


def _coarse_pair(item: ItemSource, config: Config) -> refinement.CoarsePair:
    coarse = item.read("coarse_flow")
    # Without segmentation this is the first stage to read the frames, and makes sure that they are whole.
    unseen = "segmentation" not in needed_for("refinement", config)
    return refinement.CoarsePair(
        item.frame(0, verify=unseen),
        item.frame(1, verify=unseen),
        coarse["coarse_flow01"],
        coarse["coarse_flow10"],
    )


def _refinement(pairs: Sequence[refinement.CoarsePair], config: Config) -> list[dict[str, Array]]:
    network = load_network("refinement", config)
    refined = refinement.refine_together(
        pairs, network, device=config.executor.device, fraction_bits=config.refinement.fraction_bits
    )
    return [{"refined_flow01": flows.flow01, "refined_flow10": flows.flow10} for flows in refined]


class _TimedPair(NamedTuple):
    pair: synthesis.RefinedPair
    times: tuple[float, ...]


def _refined_pair(item: ItemSource, config: Config) -> _TimedPair:  # noqa: ARG001 - as in Together
    refined = item.read("refinement")
    pair = synthesis.RefinedPair(
        item.frame(0), item.frame(1), refined["refined_flow01"], refined["refined_flow10"]
    )
    return _TimedPair(pair, item.times)


def _synthesis(pairs: Sequence[_TimedPair], config: Config) -> list[dict[str, Array]]:
    network = load_network("synthesis", config)
    drawn = synthesis.synthesise_together(
        [timed.pair for timed in pairs],
        pairs[0].times,
        network,
        config.synthesis,
        device=config.executor.device,
    )
    return [{"frames": synthesis.quantise(frames, config.synthesis.dtype)} for frames in drawn]


def _size(pair: refinement.CoarsePair | synthesis.RefinedPair) -> tuple[int, int]:
    height, width = pair.frame0.shape[:2]
    return height, width


def _evaluation(item: ItemSource, config: Config) -> dict[str, Array]:
    if item.truth is None and item.motion_truth is None:
        raise ValueError("evaluation needs a ground truth")
    scores = dict.fromkeys(evaluation.METRICS, np.nan)
    if item.truth is not None:
        scores |= _frame_scores(item, item.truth, config)
    if item.motion_truth is not None:
        scores |= _motion_scores(item, item.motion_truth)
    return {"scores": np.array(list(scores.values()))}


def _frame_scores(item: ItemSource, truth: Path, config: Config) -> dict[str, float]:
    frame = item.read("synthesis")["frames"][item.times.index(TRUTH_TIME)]
    prediction = frame.astype(np.float32) / (255 if frame.dtype == np.uint8 else 1)
    return evaluation.evaluate_frame(
        prediction,
        read_image(truth, verify=True),
        item.roi,
        item.image_size,
        config.evaluation,
        load_network("evaluation", config),
    )


def _motion_scores(item: ItemSource, path: Path) -> dict[str, float]:
    truth = read_truth(path)
    coarse, refined = item.read("coarse_flow"), item.read("refinement")
    size = coarse["coarse_flow01"].shape[1:]
    if truth["pieces0"].shape != size:
        raise DataError(
            f"{path}: is of {truth['pieces0'].shape} pixels, and the frames are of {size}; "
            "remove it, or draw the data set again"
        )
    flows = {**coarse, **refined}
    errors: list[float] = []
    for name in ("coarse_flow01", "coarse_flow10", "refined_flow01", "refined_flow10"):
        way = name[-2:]
        errors += flow_scores.end_point_errors(flows[name], truth[f"flow{way}"], truth[f"occluded{way}"])
    scores = dict(zip(flow_scores.FLOW_METRICS, errors, strict=True))
    if any(read.stage == "matching" for read in item.upstream):
        matched = item.read("matching", names=("match01", "match10", "rank_sum01"))
        found = matching_scores.FoundMatches(**matched, fate01=coarse["fate01"], fate10=coarse["fate10"])
        map0, map1 = (item.read("segmentation", k, ("label_map",))["label_map"] for k in (0, 1))
        scores |= matching_scores.score_matches(map0, map1, truth["pieces0"], truth["pieces1"], found)
    return scores


TRUTH_TIME = 0.5  # the ground truth of a triplet is its middle frame

_BINDINGS = (
    StageBinding("segmentation", "frame", (), segmentation.STAGE_VERSION, _segmentation),
    StageBinding("features", "frame", ("segmentation",), features.STAGE_VERSION, _features),
    StageBinding(
        "matching", "pair", ("features", "segmentation"), matching.STAGE_VERSION, _matching, frames="nothing"
    ),
    StageBinding(
        "coarse_flow", "pair", ("matching", "segmentation"), coarse_flow.STAGE_VERSION, _coarse_flow
    ),
    StageBinding(
        "refinement",
        "pair",
        ("coarse_flow",),
        refinement.STAGE_VERSION,
        Together(_coarse_pair, _size, lambda _: (), _refinement),
    ),
    StageBinding(
        "synthesis",
        "pair",
        ("refinement",),
        synthesis.STAGE_VERSION,
        Together(_refined_pair, lambda timed: _size(timed.pair), lambda timed: timed.times, _synthesis),
    ),
    StageBinding(
        "evaluation",
        "pair",
        ("synthesis", "refinement", "coarse_flow", "matching", "segmentation"),
        evaluation.STAGE_VERSION,
        _evaluation,
        frames="nothing",
    ),
)

STAGES: Mapping[str, StageBinding] = MappingProxyType({binding.name: binding for binding in _BINDINGS})
"""The stages in the order of the work, as they are by default."""

BY_METHOD: Mapping[tuple[str, str], StageBinding] = MappingProxyType(
    {
        ("coarse_flow", "zero"): StageBinding(
            "coarse_flow", "pair", (), coarse_flow.STAGE_VERSION, _zero_flow, frames="size"
        ),
        ("coarse_flow", "imported"): StageBinding(
            "coarse_flow",
            "pair",
            (),
            imported_flow.STAGE_VERSION,
            _imported_flow,
            frames="size",
            imports=True,
        ),
        # A run without segment-guided matching has no pieces and no matches to score.
        **{
            ("evaluation", method): StageBinding(
                "evaluation",
                "pair",
                ("synthesis", "refinement", "coarse_flow"),
                evaluation.STAGE_VERSION,
                _evaluation,
                frames="nothing",
            )
            for method in ("zero", "imported")
        },
    }
)
"""Stages that read other things under another method."""

DECIDED_BY: Mapping[str, str] = MappingProxyType({"evaluation": "coarse_flow"})
"""Whose method it is, where not the stage's own."""


def binding_of(stage: str, config: Config) -> StageBinding:
    """A stage as it is under a config."""
    method = getattr(getattr(config, DECIDED_BY.get(stage, stage)), "method", "")
    return BY_METHOD.get((stage, method), STAGES[stage])


def needed_for(last: str, config: Config) -> tuple[str, ...]:
    """A stage and all those that it reads, directly or not, in the order of the work."""
    needed = {last}
    for stage in reversed(list(STAGES)):
        if stage in needed:
            needed.update(binding_of(stage, config).reads)
    return tuple(stage for stage in STAGES if stage in needed)
