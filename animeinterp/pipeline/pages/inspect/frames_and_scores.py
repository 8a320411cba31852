"""Synthesis and evaluation on a page: splatted frames, weights and holes, errors and scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from animeinterp.data.images import to_uint8
from animeinterp.data.truth import TRUTH_TIME
from animeinterp.pipeline.pages.inspect.embedded_pictures import photo, scalar_picture
from animeinterp.pipeline.pages.inspect.material import Material
from animeinterp.pipeline.pages.inspect.views import (
    Fact,
    Layer,
    View,
    everywhere,
    layer,
    method_of,
    outcome,
    percent,
    stage,
    view,
)
from animeinterp.pipeline.results.pictures import ERROR_SHOWN
from animeinterp.pipeline.results.scores import SCORE_LABELS
from animeinterp.pipeline.store.fingerprints import resolved_method
from animeinterp.stages.evaluation.ground_truth import fit_truth
from animeinterp.stages.inspection.error_maps import largest_difference, published_ssim_map
from animeinterp.stages.inspection.splatted_frames import splat_frames
from animeinterp.stages.metrics import FRAME_METRICS, METRICS
from animeinterp.stages.pair_batch import hints_in

MOST_SPLATTED = 3  # times whose splatted frames are shown: they are half of a page's size
WEIGHTS_SHOWN = 1e3  # ratio of the weights drawn brightest and darkest
SPLATTING = {"composite": "softmax, by reliability", "light": "softmax, by brightness and importance"}
DISSIMILAR_SHOWN = 0.999  # quantile of 1 - SSIM that is drawn white


def synthesis_part(material: Material) -> dict[str, Any]:
    """Splatted frames, their weights and holes, and the resulting frames."""
    found = material.view.found("synthesis")
    section = material.config.synthesis
    splatting = SPLATTING.get(section.chosen_method, section.splatting)
    facts: list[Fact] = [method_of("synthesis", material.config), ("splatting", splatting)]
    refined = material.refinement.arrays
    flows = [refined.get(f"refined_flow{direction}") for direction in ("01", "10")]
    frames = material.both_frames
    sides: list[list[Layer]] = [[], []]
    reads: list[list[Any]] = [[], []]
    notes: list[str] = []
    if frames is not None and flows[0] is not None and flows[1] is not None:
        times = sorted(material.view.times, key=lambda time: abs(time - material.view.judged_time))
        for time in sorted(times[:MOST_SPLATTED]):
            try:
                splats = splat_frames(*frames, flows[0], flows[1], time, section, hints=hints_in(refined))
            except ValueError as error:
                notes.append(f"Nothing is splatted: {error}")
                break
            weights = (splats.weight0, splats.weight1)
            shares = [percent(float((weight <= 0).mean())) for weight in weights]
            shares.append(percent(float(((weights[0] <= 0) & (weights[1] <= 0)).mean())))
            facts.append((f"holes at t={time:g}", "{} in frame 0, {} in frame 1, {} in both".format(*shares)))
            for k, picture in enumerate((splats.frame0, splats.frame1)):
                sides[k] += _splat_layers(material, k, time, to_uint8(picture), weights[k], reads[k])
    views = [
        view(f"Frame {k}, splatted", sides[k], *(notes[:1] or [material.refinement.note]), reads=reads[k])
        for k in (0, 1)
    ]
    results = [
        layer("Result", f"result{time!r}", "photo", f"in-between frame at t = {time:g}", time=time)
        for time in material.results
    ]
    results += _mask_layers(material)
    views.append(view("Result", results, found.note))
    summary = outcome(found, resolved_method("synthesis", material.config))
    part = stage("synthesis", "Synthesis", summary, views, facts, [found], runs="synthesis")
    part["times"] = list(material.view.times)
    part["time"] = material.view.judged_time
    return part


def _mask_layers(material: Material) -> list[Layer]:
    """What the light network takes from where, at the judged time."""
    time = material.view.judged_time
    masks = material.masks(time) if time in material.results else None
    if masks is None:
        return []
    shown = (
        ("mask", "Share of frame 0", "1 is frame 0 alone, 0 is frame 1 alone, where splatted", masks.frame0),
        ("composite", "Share of the composite", "1 is the composite, 0 the splatted frames", masks.composite),
    )
    layers = []
    for name, label, ends, mask in shown:
        material.pictures[name] = scalar_picture(mask, 0.0, 1.0)
        alt, told = f"{label} at t = {time:g}, bright is high", f"{label.lower()}: {ends}{everywhere(mask)}"
        layers.append(layer(label, name, "heat", alt, low=0.0, high=1.0, unit="", time=time, told=told))
    return layers


def _splat_layers(
    material: Material, number: int, time: float, picture: np.ndarray, weight: np.ndarray, reads: list[Any]
) -> list[Layer]:
    name = f"splat{number}t{time!r}"
    material.pictures[name] = photo(picture)
    covered = weight[weight > 0]
    low = float(covered.min()) if covered.size else 1.0
    high = max(float(weight.max()), low * 1.001)
    material.pictures[f"{name}weight"] = scalar_picture(weight, low, high, logarithmic=True)
    told = f"frame {number} moved to t = {time:g}"
    reads.append(["weight", f"{name}weight", "", time])
    # Softmax splatting has weights down to 1e-9: most of the colours are for the relevant ones.
    weights_told = "weights that landed, on a logarithmic scale"
    scale = {"low": max(low, high / WEIGHTS_SHOWN), "high": high, "unit": "", "told": weights_told}
    return [
        layer("Splatted", name, "photo", f"{told}, black in holes", time=time),
        layer("Weight", f"{name}weight", "heat", f"weights that landed, {told}", time=time, **scale),
        layer("Holes", f"{name}weight", "holes", f"holes of {told}, red", time=time, over=name),
    ]


def evaluation_part(material: Material) -> dict[str, Any]:
    """Scores, and where the result differs from the ground truth."""
    found = material.view.found("evaluation")
    scores = found.arrays.get("scores")
    named: dict[str, float] = {}
    if scores is not None and len(scores) == len(METRICS):
        named = dict(zip(METRICS, map(float, scores), strict=True))
    known = [(SCORE_LABELS[name], value) for name, value in named.items() if not math.isnan(value)]
    facts: list[Fact] = [(metric.label, metric.with_unit(value)) for metric, value in known]
    part_scores = [
        fact for fact, (metric, _) in zip(facts, known, strict=True) if metric.name in FRAME_METRICS
    ]
    result = material.results.get(TRUTH_TIME)
    views = [] if result is None else _error_views(material, result, facts)
    psnr = SCORE_LABELS["psnr"]
    summary = outcome(found, f"{psnr.label} {psnr.with_unit(named.get('psnr', math.nan))}")
    part = stage("evaluation", "Errors", summary, views, facts, [found], runs="evaluation")
    times = material.view.times
    if material.truth is not None and TRUTH_TIME not in times and found.state != "skipped":
        part["notes"].append(f"no frame at t = {TRUTH_TIME} to score: synthesis.times = {list(times)}")
    part["scores"] = part_scores
    return part


def _error_views(material: Material, result: np.ndarray, facts: list[Fact]) -> list[View]:
    if material.truth is None:
        return []
    height, width = result.shape[:2]
    wanted = fit_truth(material.truth, height, width)
    truth = np.rint(wanted * 255).astype(np.uint8)
    shown = to_uint8(result)
    difference = largest_difference(shown, truth)
    material.pictures["error"] = scalar_picture(difference, 0, 255)
    facts.append(("largest difference", f"{difference.max()} levels"))
    facts.append(("pixels off by 8 levels or more", percent(float((difference >= 8).mean()))))
    alt = f"largest channel difference of result and ground truth, white from {ERROR_SHOWN:g} levels on"
    told = "largest difference of the three channels, in levels of 255"
    layers = [layer("Error", "error", "heat", alt, low=0, high=ERROR_SHOWN, unit="levels", told=told)]
    reads = [["error", "error", "levels"]]
    predicted = (result.astype(np.float32) / (255 if result.dtype == np.uint8 else 1)).astype(np.float32)
    similarity = published_ssim_map(predicted, wanted)
    if similarity is not None:
        dissimilar = 1 - similarity
        high = max(float(np.quantile(dissimilar, DISSIMILAR_SHOWN)), 1e-3)
        material.pictures["dissimilar"] = scalar_picture(dissimilar, 0, max(float(dissimilar.max()), high))
        alt, told = "where structure differs, bright", "0: the same structure around the pixel"
        scale = {"low": 0, "high": high, "unit": "", "told": told}
        layers.append(layer("1 − SSIM", "dissimilar", "heat", alt, **scale))
        reads.append(["1 − SSIM", "dissimilar", ""])
    photos = [
        layer("Result", f"result{TRUTH_TIME!r}", "photo", "in-between frame at t = 0.5"),
        layer("Ground truth", "truth", "photo", "ground truth"),
    ]
    return [
        view("Differences", layers, reads=reads),
        view("Result and ground truth", photos, compare=True, reads=reads),
    ]
