"""How workers call evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import Config
from animeinterp.data.images import read_image
from animeinterp.data.truth import TRUTH_TIME, read_truth
from animeinterp.models.weights.loading import load_lpips as load_lpips
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.networks import load_network
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages import evaluation, metrics
from animeinterp.stages.evaluation import flow_scores, matching_scores


def score_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """Scores of a pair, using all available truth."""
    if item.truth is None and item.motion_truth is None:
        raise ValueError("evaluation needs a ground truth")
    scores = dict.fromkeys(metrics.METRICS, np.nan)
    if item.truth is not None:
        scores |= _frame_scores(item, item.truth, config)
    if item.motion_truth is not None:
        scores |= _motion_scores(item, item.motion_truth)
    return {"scores": np.array(list(scores.values()))}


def _frame_scores(item: ItemSource, truth: Path, config: Config) -> dict[str, float]:
    frame = item.read("synthesis")["frames"][item.times.index(TRUTH_TIME)]
    top = np.iinfo(frame.dtype).max if frame.dtype.kind == "u" else 1
    prediction = frame.astype(np.float32) / top
    return evaluation.evaluate_frame(
        prediction,
        read_image(truth),
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
            f"{path}: has {truth['pieces0'].shape} pixels, but the frames have {size}; "
            "remove it, or draw the data set again"
        )
    flows = {**coarse, **refined}
    errors: list[float] = []
    for name in ("coarse_flow01", "coarse_flow10", "refined_flow01", "refined_flow10"):
        way = name[-2:]
        errors += flow_scores.end_point_errors(flows[name], truth[f"flow{way}"], truth[f"occluded{way}"])
    scores = dict(zip(metrics.FLOW_METRICS, errors, strict=True))
    if item.reads("matching"):
        matched = item.read("matching", names=("match01", "match10", "rank_sum01"))
        found = matching_scores.FoundMatches(**matched, fate01=coarse["fate01"], fate10=coarse["fate10"])
        map0, map1 = (item.read("segmentation", k, ("label_map",))["label_map"] for k in (0, 1))
        scores |= matching_scores.score_matches(map0, map1, truth["pieces0"], truth["pieces1"], found)
    return scores
