"""The stages up to the flows on a page: frames, pieces, matches, coarse and refined flow."""

from __future__ import annotations

from typing import Any

import numpy as np

from animeinterp.data.images import to_uint8
from animeinterp.pipeline.pages.inspect.embedded_pictures import (
    flow_picture,
    label_picture,
    photo,
    scalar_picture,
)
from animeinterp.pipeline.pages.inspect.material import Material
from animeinterp.pipeline.pages.inspect.pieces import FATES, fate_counts
from animeinterp.pipeline.pages.inspect.views import (
    Fact,
    Layer,
    View,
    arrow,
    everywhere,
    layer,
    method_of,
    outcome,
    percent,
    present,
    stage,
    view,
)
from animeinterp.pipeline.results.pictures import UNMATCHED_GRAY, saturated_length
from animeinterp.pipeline.store.fingerprints import resolved_method
from animeinterp.stages.coarse_flow import PieceFate
from animeinterp.stages.segmentation.contours import draw_contours

UNREADABLE = "the frame cannot be read"
MATCHES_TOLD = "Pieces of one colour in both frames are mutual matches."
LENGTH_TOLD = "length of the flow"
CONFIDENCE_TOLD = "confidence of the refinement network in the coarse flow, 0 to 1"
UNEXPLAINED_TOLD = "difference of both frames that the coarse flow leaves, as the refinement network sees it"
IMPORTANCE_TOLD = "importance in splatting: of pixels that land on one place, the higher count more"


def frames_part(material: Material) -> dict[str, Any]:
    """The result beside the ground truth, as far as they are there, and in one place with the frames."""
    judged = material.view.judged_time
    times = sorted(material.results, key=lambda time: (time != judged, time))
    layers = [_result_layer(material, time) for time in times]
    layers += [_frame_layer(material, k) for k in (0, 1) if material.frames[k] is not None]
    truth = []
    if material.truth is not None:
        material.pictures["truth"] = photo(material.truth)
        truth = [layer("Ground truth", "truth", "photo", "ground truth, the frame in the middle")]
    views = [view("Result" if times else "Frames", layers + truth, compare=True)]
    if times and truth:
        views.append(view("Ground truth", truth))
    facts: list[Fact] = []
    if material.size is not None:
        facts.append(("size", f"{material.size[1]} × {material.size[0]} px"))
    facts += [(f"frame {k}", name) for k, name in enumerate(_file_names(material))]
    summary = "beside the truth" if len(views) == 2 else f"{len(layers + truth)} pictures"
    part = stage("frames", views[0]["title"], summary, views, facts)
    unreadable = [k for k in range(len(material.view.pair.frames)) if material.frames[k] is None]
    part["notes"] += [f"Frame {k}: {UNREADABLE}" for k in unreadable]
    if material.truth is None and material.view.pair.truth is not None:
        part["notes"].append(f"Ground truth: {UNREADABLE}")
    missing = material.view.found("synthesis").note
    if missing and not material.results:
        part["notes"].append(f"No result: {missing}")
    return part


def _result_layer(material: Material, time: float) -> Layer:
    material.pictures[f"result{time!r}"] = photo(to_uint8(material.results[time]))
    return layer(f"Result t={time:g}", f"result{time!r}", "photo", f"in-between frame at t = {time:g}")


def _file_names(material: Material) -> list[str]:
    session = material.view.session
    return [session.manifest.frames[index].path.name for index in material.view.pair.frames]


def _frame_layer(material: Material, number: int) -> Layer:
    name = f"frame{number}"
    frame = material.frames[number]
    if name not in material.pictures and frame is not None:
        material.pictures[name] = photo(frame)
    return layer(f"Frame {number}", name, "photo", f"frame {number} of the pair")


def _add_frame(material: Material, each: View) -> View:
    """Add the frame of its side to what a view shows, if anything."""
    number = each["side"]
    if each["layers"] and material.frames[number] is not None:
        each["layers"].append({**_frame_layer(material, number), "label": "Frame"})
    return each


def segmentation_part(material: Material) -> dict[str, Any]:
    """Contours and pieces of both frames."""
    found = [material.view.found("segmentation", k) for k in (0, 1)]
    facts: list[Fact] = []
    if material.view.pair.frames:
        facts.append(("preset", material.view.style()))
    for k, pieces in enumerate(material.pieces):
        if pieces is not None:
            facts.append((f"pieces of frame {k}", f"{pieces.count}"))
            facts.append((f"median area {k}", f"{np.median(pieces.area):g} px"))
    counts = " / ".join("–" if pieces is None else str(pieces.count) for pieces in material.pieces)
    views = [_segmentation_view(material, k, found[k].note) for k in (0, 1)]
    summary = f"{counts} pieces" if any(material.pieces) else outcome(found[0], "")
    return stage("segmentation", "Pieces", summary, views, facts, found, runs="segmentation")


def _segmentation_view(material: Material, number: int, note: str) -> View:
    layers = []
    frame, pieces = material.frames[number], material.pieces[number]
    if pieces is not None:
        material.pictures[f"labels{number}"] = label_picture(pieces.label_map)
        alt = f"the {pieces.count} pieces of frame {number}, each in its own colour"
        told = "Colours only tell pieces apart."
        layers.append(
            layer("Pieces", f"labels{number}", "pieces", alt, colors="colors", side=number, told=told)
        )
    if frame is not None:
        section = material.config.segmentation
        preset = section.anime if material.view.style() == "anime" else section.disney
        material.pictures[f"contours{number}"] = photo(draw_contours(frame, preset))
        layers.append(
            layer("Contours", f"contours{number}", "photo", f"contours of frame {number}, dark on white")
        )
    return _add_frame(material, view(f"Frame {number}", layers, note, side=number))


def matching_part(material: Material) -> dict[str, Any]:
    """Matches of the pieces of both frames."""
    found = material.matching
    facts: list[Fact] = []
    if "rank_sum01" in found.arrays:
        mutual = int((found.arrays["rank_sum01"] == 0).sum())
        facts.append(("mutual matches", f"{mutual}"))
    for direction in present(found.arrays, "score"):
        score = found.arrays[f"score{direction}"]
        facts.append((f"median affinity {arrow(direction)}", f"{np.median(score):.3f}"))
    section = material.config.features
    features: str = section.chosen_method
    if features == section.network_method:
        features = (
            "VGG-19 with random weights" if section.weights is None else f"VGG-19, {section.weights.name}"
        )
    facts.append(("features", features))
    views = []
    colored = {"match01", "rank_sum01"} <= found.arrays.keys() and None not in material.pieces
    for number in (0, 1):
        layers, lost = [], material.view.found("segmentation", number).note
        if colored:
            alt = f"pieces of frame {number}; mutual matches have the same colour in both, others are grey"
            looks: dict[str, Any] = {"colors": "matchColors", "side": number}
            looks |= {"legend": [["no mutual match", [UNMATCHED_GRAY] * 3]], "told": MATCHES_TOLD}
            layers.append(layer("Matches", f"labels{number}", "pieces", alt, **looks))
        views.append(_add_frame(material, view(f"Frame {number}", layers, found.note or lost, side=number)))
    summary = outcome(found, f"{facts[0][1]} mutual")
    return stage("matching", "Matches", summary, views, facts, [found], runs="matching")


def coarse_flow_part(material: Material) -> dict[str, Any]:
    """Coarse flows, and why pieces moved or not."""
    found = material.coarse_flow
    facts: list[Fact] = [method_of("coarse_flow", material.config)]
    for direction in present(found.arrays, "fate"):
        counts = fate_counts(found.arrays[f"fate{direction}"])
        if counts:
            told = ", ".join(f"{count} {name}" for name, count in counts.items())
            facts.append((f"pieces {arrow(direction)}", told))
    views, lengths = _flow_views(material, found, "coarse_flow")
    had = {int(fate) for d in present(found.arrays, "fate") for fate in np.unique(found.arrays[f"fate{d}"])}
    legend = [[look.name, list(look.color)] for fate, look in FATES.items() if fate in had]
    for each in views:
        side = each["side"]
        if len(found.arrays.get(f"fate{each['direction']}", ())) and material.pieces[side] is not None:
            alt = f"pieces of frame {side} in the colours of why they moved or not"
            each["layers"].append(
                layer("Why", f"labels{side}", "pieces", alt, colors="fateColors", side=side, legend=legend)
            )
        _add_frame(material, each)
    moved = [int((found.arrays[f"fate{d}"] == PieceFate.MOVED).sum()) for d in present(found.arrays, "fate")]
    summary = outcome(found, f"{' / '.join(map(str, moved))} moved" if any(moved) else facts[0][1])
    return stage("coarse_flow", "Coarse flow", summary, views, facts + lengths, [found], runs="coarse_flow")


def refinement_part(material: Material) -> dict[str, Any]:
    """Refined flows, and the network's confidence in the coarse ones."""
    found = material.refinement
    facts: list[Fact] = [method_of("refinement", material.config)]
    views, lengths = _flow_views(material, found, "refined_flow")
    notes = []
    trusted = material.confidence()
    if isinstance(trusted, str):
        if resolved_method("refinement", material.config) == "rfr":
            notes.append(trusted[0].upper() + trusted[1:])
    else:
        used = "used" if material.config.refinement.confidence_mask else "computed, not used"
        facts.append(("confidence", used))
        for each in views:
            direction = each["direction"]
            confidence = getattr(trusted, f"confidence{direction}")
            error = getattr(trusted, f"error{direction}")
            facts.append((f"mean confidence {arrow(direction)}", f"{confidence.mean():.3f}"))
            _add_heat(material, each, "Confidence", confidence, 1.0, CONFIDENCE_TOLD)
            _add_heat(material, each, "Unexplained", error, max(float(error.max()), 1e-3), UNEXPLAINED_TOLD)
    for each in views:
        importance = found.arrays.get(f"importance{each['direction']}")
        if importance is not None:
            values, low, high = (
                importance.astype(np.float32),
                float(importance.min()),
                float(importance.max()),
            )
            told = IMPORTANCE_TOLD + everywhere(values)
            _add_heat(material, each, "Importance", values, max(high, low + 1e-3), told, low)
        _add_frame(material, each)
    summary = outcome(found, resolved_method("refinement", material.config))
    part = stage("refinement", "Refined flow", summary, views, facts + lengths, [found], runs="refinement")
    part["notes"] += notes
    return part


def _add_heat(
    material: Material, each: View, label: str, values: np.ndarray, high: float, told: str, low: float = 0.0
) -> None:
    name, direction = label.lower(), each["direction"]
    picture = f"{name}{direction}"
    material.pictures[picture] = scalar_picture(values, low, high)
    alt = f"{name} {arrow(direction)}: {told}; bright is high"
    each["layers"].append(layer(label, picture, "heat", alt, low=low, high=high, unit="", told=told))
    each["reads"].append([name, picture, ""])


def _flow_views(material: Material, found: Any, name: str) -> tuple[list[View], list[Fact]]:
    """Views of both directions of a flow, without the frames, and how long its vectors are."""
    there = present(found.arrays, name)
    longest = saturated_length(*(found.arrays[f"{name}{direction}"] for direction in there)) if there else 1.0
    views: list[View] = []
    facts: list[Fact] = []
    for direction in ("01", "10"):
        side, picture = int(direction[0]), f"{name}{direction}"
        layers: list[Layer] = []
        if direction in there:
            flow = found.arrays[picture]
            length = np.hypot(*flow)
            picture = _add_flow(material, name, direction, flow)
            told = f"up to {length.max():.1f} px, {percent(float((length > 0).mean()))} of the frame moves"
            facts.append((f"flow {arrow(direction)}", told))
            alt = f"{name.replace('_', ' ')} {arrow(direction)}: {told}"
            layers = [
                layer("Flow", picture, "flow", f"{alt}; hue is direction", longest=longest),
                layer(
                    "Length", picture, "length", f"{alt}; bright is long", longest=longest, told=LENGTH_TOLD
                ),
            ]
        views.append(
            view(
                f"Frame {side}, {arrow(direction)}",
                layers,
                found.note,
                side=side,
                direction=direction,
                flow=picture if direction in there else None,
                reads=[],
            )
        )
    return views, facts


def _add_flow(material: Material, name: str, direction: str, flow: np.ndarray) -> str:
    """Name of the flow's picture; an unrefined flow already has one."""
    coarse = material.coarse_flow.arrays.get(f"coarse_flow{direction}")
    if name == "refined_flow" and coarse is not None and np.array_equal(flow, coarse):
        return f"coarse_flow{direction}"
    material.pictures[f"{name}{direction}"] = flow_picture(flow)
    return f"{name}{direction}"
