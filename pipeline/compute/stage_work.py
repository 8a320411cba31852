"""What each stage does for its items: arrays read, the pure stage called, arrays by their names returned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from configs.errors import DataError
from configs.sections import Config
from data.images import Frame, read_image
from data.sgm_folders import read_flow
from data.truth import TRUTH_TIME, read_truth
from pipeline.compute.item_source import ItemSource
from pipeline.compute.networks import load_network
from pipeline.store.array_specs import Array
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
from stages.evaluation import flow_scores, matching_scores
from stages.working_size import (
    enlarge_frames,
    pieces_at,
    resize_flow,
    resize_labels,
    shrink_frame,
    working_size,
)

Compute = Callable[[ItemSource, Config], dict[str, Array]]


class NetworkPair(NamedTuple):
    """A pair at the size at which a network works on it."""

    pair: Any
    """Two frames and two flows, as the stage takes them."""
    size: tuple[int, int]
    """Height and width of its frames as they are."""
    times: tuple[float, ...] = ()
    """Times of the frames wanted of it."""


@dataclass(frozen=True, slots=True)
class Together:
    """How a stage takes several items at once: those of one size, and for the same times."""

    read: Callable[[ItemSource, Config], NetworkPair]
    """An item's inputs."""
    compute: Callable[[Sequence[NetworkPair], Config], list[dict[str, Array]]]
    """The arrays of each."""


def segment_frame(item: ItemSource, config: Config) -> dict[str, Array]:
    """Pieces of a frame."""
    # The first stage to read a frame is the one that makes sure the file is whole.
    preset = config.segmentation.anime if item.style == "anime" else config.segmentation.disney
    frame = item.frame(0, verify=True)
    small = _at_working_size(frame, config)
    pieces = segmentation.segment(small, preset, merge_rounds=config.segmentation.merge_rounds)
    pieces = pieces_at(pieces, _size_of(frame))
    return {
        "label_map": pieces.label_map,
        "area": pieces.area,
        "centroid": pieces.centroid,
        "box": pieces.box,
    }


def _size_of(frame: Frame) -> tuple[int, int]:
    height, width = frame.shape[:2]
    return height, width


def _at_working_size(frame: Frame, config: Config) -> Frame:
    """A frame as segment-guided matching sees it."""
    return shrink_frame(frame, working_size(_size_of(frame), config.segmentation.height))


def _pieces(item: ItemSource, index: int, config: Config) -> segmentation.Pieces:
    """Pieces of frame 0 or frame 1 as segment-guided matching sees them."""
    pieces = item.pieces(index)
    height, width = pieces.label_map.shape
    return pieces_at(pieces, working_size((height, width), config.segmentation.height))


def describe_frame(item: ItemSource, config: Config) -> dict[str, Array]:
    """Features of a frame's pieces."""
    pieces = _pieces(item, 0, config)
    network = load_network("features", config)
    described = features.describe_pieces(
        _at_working_size(item.frame(0), config),
        pieces.label_map,
        len(pieces.area),
        network,
        device=config.executor.device,
    )
    return {"piece_features": described}


def describe_frame_by_appearance(item: ItemSource, config: Config) -> dict[str, Array]:
    """Features of a frame's pieces, without a network."""
    frame, pieces = _at_working_size(item.frame(0), config), _pieces(item, 0, config)
    return {"piece_features": piece_descriptors.describe_by_appearance(frame, pieces)}


def match_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """Matches of a pair's pieces."""
    features0, features1 = (item.read("features", k)["piece_features"] for k in (0, 1))
    pieces0, pieces1 = (_pieces(item, k, config) for k in (0, 1))
    result = matching.match_pieces(features0, features1, pieces0, pieces1, config.matching)
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


def flow_of_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """Coarse flows by the matches of pieces."""
    frame0, frame1 = item.frame(0), item.frame(1)
    result = coarse_flow.generate_coarse_flow(
        _at_working_size(frame0, config),
        _at_working_size(frame1, config),
        _pieces(item, 0, config),
        _pieces(item, 1, config),
        matching_of(item.read("matching")),
        config.coarse_flow,
    )
    flow01, flow10 = (resize_flow(flow, _size_of(frame0)) for flow in (result.flow01, result.flow10))
    return _flow_arrays(coarse_flow.CoarseFlow(flow01, flow10, result.fate01, result.fate10))


def _flow_arrays(result: coarse_flow.CoarseFlow) -> dict[str, Array]:
    return {
        "coarse_flow01": result.flow01,
        "coarse_flow10": result.flow10,
        "fate01": result.fate01,
        "fate10": result.fate10,
    }


def zero_flow_of_pair(item: ItemSource, config: Config) -> dict[str, Array]:  # noqa: ARG001 - a Compute
    """Coarse flows that are 0 everywhere."""
    return _flow_arrays(coarse_flow.zero_coarse_flow(item.size()))


def imported_flow_of_pair(item: ItemSource, config: Config) -> dict[str, Array]:  # noqa: ARG001 - a Compute
    """Coarse flows made elsewhere."""
    first, second = item.flows
    try:
        result = imported_flow.import_coarse_flow(
            read_flow(first), read_flow(second), item.size(), (str(first), str(second))
        )
    except ValueError as error:
        raise DataError(str(error)) from None
    return _flow_arrays(result)


def _network_size(stage: str, frame: Frame, config: Config) -> tuple[int, int]:
    # Without a network nothing is saved, and only detail lost.
    height = getattr(config, stage).height if load_network(stage, config) is not None else 0
    return working_size(_size_of(frame), height)


def _network_pair(
    stage: str, kind: type[Any], item: ItemSource, flows: Sequence[Array], config: Config, *, verify: bool
) -> NetworkPair:
    frame0, frame1 = (item.frame(k, verify=verify) for k in (0, 1))
    size = _network_size(stage, frame0, config)
    frames = (shrink_frame(frame, size) for frame in (frame0, frame1))
    pair = kind(*frames, *(resize_flow(flow, size) for flow in flows))
    return NetworkPair(pair, _size_of(frame0), item.times)


def read_coarse_pair(item: ItemSource, config: Config) -> NetworkPair:
    """What refinement works on."""
    coarse = item.read("coarse_flow")
    flows = coarse["coarse_flow01"], coarse["coarse_flow10"]
    # Without segmentation this is the first stage to read the frames, and makes sure that they are whole.
    unseen = config.coarse_flow.method != "sgm"
    return _network_pair("refinement", refinement.CoarsePair, item, flows, config, verify=unseen)


def refine_pairs(pairs: Sequence[NetworkPair], config: Config) -> list[dict[str, Array]]:
    """Refined flows of pairs of one size."""
    network = load_network("refinement", config)
    refined = refinement.refine_together(
        [read.pair for read in pairs],
        network,
        device=config.executor.device,
        fraction_bits=config.refinement.fraction_bits,
    )
    return [
        {
            "refined_flow01": resize_flow(flows.flow01, read.size),
            "refined_flow10": resize_flow(flows.flow10, read.size),
        }
        for flows, read in zip(refined, pairs, strict=True)
    ]


def search_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """Refined flows of a pair, by inverse search."""
    coarse = item.read("coarse_flow")
    with_pieces = any(read.stage == "segmentation" for read in item.upstream)
    # Without segmentation this is the first stage to read the frames, and makes sure that they are whole.
    frames = [item.frame(k, verify=not with_pieces) for k in (0, 1)]
    size = working_size(_size_of(frames[0]), config.refinement.height)
    label_maps = (item.read("segmentation", k, ("label_map",))["label_map"] for k in (0, 1))
    found = inverse_search.search_flows(
        shrink_frame(frames[0], size),
        shrink_frame(frames[1], size),
        resize_flow(coarse["coarse_flow01"], size),
        resize_flow(coarse["coarse_flow10"], size),
        [resize_labels(label_map, size) for label_map in label_maps] if with_pieces else None,
    )
    return {
        "refined_flow01": resize_flow(found.flow01, _size_of(frames[0])),
        "refined_flow10": resize_flow(found.flow10, _size_of(frames[0])),
    }


def read_refined_pair(item: ItemSource, config: Config) -> NetworkPair:
    """What synthesis works on."""
    refined = item.read("refinement")
    flows = refined["refined_flow01"], refined["refined_flow10"]
    return _network_pair("synthesis", synthesis.RefinedPair, item, flows, config, verify=False)


def draw_pairs(pairs: Sequence[NetworkPair], config: Config) -> list[dict[str, Array]]:
    """Frames between those of pairs of one size, all for the same times."""
    network = load_network("synthesis", config)
    drawn = synthesis.synthesise_together(
        [read.pair for read in pairs],
        pairs[0].times,
        network,
        config.synthesis,
        device=config.executor.device,
    )
    return [
        {"frames": synthesis.quantise(enlarge_frames(frames, read.size), config.synthesis.dtype)}
        for frames, read in zip(drawn, pairs, strict=True)
    ]


def score_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """Scores of a pair, by whatever truth there is."""
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
