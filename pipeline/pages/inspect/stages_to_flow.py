"""The stages up to the flows on a page: frames, pieces, matches, coarse and refined flow."""

from __future__ import annotations

from typing import Any

import numpy as np

from data.images import to_uint8
from pipeline.pages.inspect.embedded_pictures import flow_picture, label_picture, photo, scalar_picture
from pipeline.pages.inspect.material import Material
from pipeline.pages.inspect.pieces import FATES, fate_counts
from pipeline.pages.inspect.views import (
    Fact,
    Layer,
    View,
    arrow,
    layer,
    method_of,
    outcome,
    percent,
    present,
    stage,
    view,
)
from pipeline.results.pictures import saturated_length
from pipeline.store.fingerprints import resolved_method
from stages.coarse_flow import PieceFate
from stages.segmentation.contours import draw_contours

UNREADABLE = "the frame cannot be read"
NO_TRUTH = "no ground truth: nothing to compare with"
LARGEST_ERROR = 6.0  # of the warping error that RFR sees: three channels of -1..1


def frames_part(material: Material) -> dict[str, Any]:
    """Frames, results and ground truth in one place, for comparison."""
    layers = [_frame_layer(material, k) for k in (0, 1) if material.frames[k] is not None]
    for time, frame in material.results.items():
        material.pictures[f"result{time!r}"] = photo(to_uint8(frame))
        alt = f"in-between frame at t = {time:g}"
        layers.append(layer(f"Result t={time:g}", f"result{time!r}", "photo", alt))
    if material.truth is not None:
        material.pictures["truth"] = photo(material.truth)
        layers.append(layer("Ground truth", "truth", "photo", "ground truth, the frame in the middle"))
    facts: list[Fact] = []
    if material.size is not None:
        facts.append(("size", f"{material.size[1]} × {material.size[0]} px"))
    facts += [("frames", name) for name in _file_names(material)]
    part = stage("frames", "Frames", f"{len(layers)} pictures", [], facts)
    part["views"] = [view("Frames and results", layers, UNREADABLE, compare=True)]
    part["notes"] = [f"Frame {k}: {UNREADABLE}" for k in (0, 1) if material.frames[k] is None]
    missing = material.view.found("synthesis").note
    if missing and not material.results:
        part["notes"].append(f"No result: {missing}")
    if material.truth is None:
        part["notes"].append(NO_TRUTH)
    return part


def _file_names(material: Material) -> list[str]:
    session = material.view.session
    return [session.manifest.frames[index].path.name for index in material.view.pair.frames]


def _frame_layer(material: Material, number: int) -> Layer:
    name = f"frame{number}"
    frame = material.frames[number]
    if name not in material.pictures and frame is not None:
        material.pictures[name] = photo(frame)
    return layer(f"Frame {number}", name, "photo", f"frame {number} of the pair")


def _side_layers(material: Material, number: int, label: str = "Frame") -> list[Layer]:
    """The frame beneath a view."""
    if material.frames[number] is None:
        return []
    return [{**_frame_layer(material, number), "label": label}]


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
    return stage("segmentation", "Pieces", f"{counts} pieces", views, facts, found, runs="segmentation")


def _segmentation_view(material: Material, number: int, note: str) -> View:
    layers = []
    frame, pieces = material.frames[number], material.pieces[number]
    if pieces is not None:
        material.pictures[f"labels{number}"] = label_picture(pieces.label_map)
        alt = f"the {pieces.count} pieces of frame {number}, each in its own colour"
        layers.append(layer("Pieces", f"labels{number}", "pieces", alt, colors="colors", side=number))
    if frame is not None:
        section = material.config.segmentation
        preset = section.anime if material.view.style() == "anime" else section.disney
        material.pictures[f"contours{number}"] = photo(draw_contours(frame, preset))
        layers.append(
            layer("Contours", f"contours{number}", "photo", f"contours of frame {number}, dark on white")
        )
    layers += _side_layers(material, number)
    return view(f"Frame {number}", layers, note or UNREADABLE, side=number)


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
        layers = []
        if colored:
            alt = f"pieces of frame {number}; mutual matches have the same colour in both, others are grey"
            layers.append(
                layer("Matches", f"labels{number}", "pieces", alt, colors="matchColors", side=number)
            )
        layers += _side_layers(material, number)
        views.append(view(f"Frame {number}", layers, found.note or UNREADABLE, side=number))
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
    for each in views:
        side = each["side"]
        if len(found.arrays.get(f"fate{each['direction']}", ())) and material.pieces[side] is not None:
            alt = f"pieces of frame {side} in the colours of why they moved or not"
            legend = [[name, list(color)] for name, color in FATES.values()]
            each["layers"].insert(
                2,
                layer("Why", f"labels{side}", "pieces", alt, colors="fateColors", side=side, legend=legend),
            )
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
            _add_network_view(material, each, "Confidence", f"confidence{direction}", confidence, 1.0)
            _add_network_view(material, each, "Unexplained", f"unexplained{direction}", error, LARGEST_ERROR)
    for each in views:
        name = f"importance{each['direction']}"
        if name in found.arrays:
            _add_importance(material, each, name, found.arrays[name])
    summary = outcome(found, resolved_method("refinement", material.config))
    part = stage("refinement", "Refined flow", summary, views, facts + lengths, [found], runs="refinement")
    part["notes"] += notes
    return part


def _add_network_view(
    material: Material, each: View, label: str, name: str, values: np.ndarray, high: float
) -> None:
    shown = high if label == "Confidence" else max(float(values.max()), 1e-3)
    material.pictures[name] = scalar_picture(values, 0.0, shown)
    alt = f"{label.lower()} {arrow(each['direction'])} as input to the refinement network, bright is high"
    each["layers"].append(layer(label, name, "heat", alt, low=0.0, high=shown, unit=""))
    each["reads"].append([label.lower(), name, ""])


def _add_importance(material: Material, each: View, name: str, values: np.ndarray) -> None:
    low = float(values.min())
    high = max(float(values.max()), low + 1e-3)
    material.pictures[name] = scalar_picture(values.astype(np.float32), low, high)
    alt = f"importance of pixels {arrow(each['direction'])} in splatting, bright is high"
    each["layers"].append(layer("Importance", name, "heat", alt, low=low, high=high, unit=""))
    each["reads"].append(["importance", name, ""])


def _flow_views(material: Material, found: Any, name: str) -> tuple[list[View], list[Fact]]:
    """Views of both directions of a flow, and how long its vectors are."""
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
                layer("Length", picture, "length", f"{alt}; bright is long", longest=longest),
            ]
        layers += _side_layers(material, side)
        views.append(
            view(
                f"Frame {side}, {arrow(direction)}",
                layers,
                found.note or UNREADABLE,
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
