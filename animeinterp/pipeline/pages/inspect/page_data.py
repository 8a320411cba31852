"""The content of a pair's page, for JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from animeinterp.configs.names import command_line, shown
from animeinterp.pipeline.compute.method_notes import methods_line
from animeinterp.pipeline.compute.registry import STAGES, needed_for
from animeinterp.pipeline.pages.inspect.embedded_pictures import colors_text
from animeinterp.pipeline.pages.inspect.frames_and_scores import evaluation_part, synthesis_part
from animeinterp.pipeline.pages.inspect.material import Material
from animeinterp.pipeline.pages.inspect.pieces import (
    FATES,
    candidate_table,
    fate_table,
    match_table,
    matched_colors,
    piece_table,
)
from animeinterp.pipeline.pages.inspect.provenance import stage_record
from animeinterp.pipeline.pages.inspect.stages_to_flow import (
    coarse_flow_part,
    frames_part,
    matching_part,
    refinement_part,
    segmentation_part,
)
from animeinterp.pipeline.results.pair_results import PairResults, ResultState
from animeinterp.pipeline.results.pictures import COLOR_WHEEL, heat_colors

PAGE_FORMAT = 2
"""Increased when pages look different, so that old ones are rewritten."""

PARTS: Mapping[str, Callable[[Material], dict[str, Any]]] = {
    "segmentation": segmentation_part,
    "matching": matching_part,
    "coarse_flow": coarse_flow_part,
    "refinement": refinement_part,
    "synthesis": synthesis_part,
    "evaluation": evaluation_part,
}
"""What is shown for each stage; for any other only its record."""
COMPUTABLE: tuple[ResultState, ...] = ("missing", "damaged", "earlier")
"""States of results that a run would compute."""
SHARE_DIGITS = 4
LEVELS = ("easy", "medium", "hard")


def page_data(view: PairResults, command: Sequence[str] = ()) -> dict[str, Any]:
    """Gather the content of a pair's page.

    Parameters
    ----------
    view
        The pair's results.
    command
        Words of the command that runs the stages of this config; the page adds pair and stage.

    Returns
    -------
    dict
        For JSON: `methods`, `scores`, `stages` with views and numbers, `pictures` by name, `pieces` of both
        frames, `record`. What is neither there nor to be computed is left out.
    """
    pair_id = view.pair.id
    material = Material(view)
    first = frames_part(material)
    parts = [PARTS[stage](material) for stage in STAGES if stage in PARTS]
    scores = parts[-1].pop("scores")
    tables, note = piece_tables(material)
    for part in parts:
        if part["state"] in COMPUTABLE:
            part["command"] = _command(command, part["runs"], pair_id)
        if part["name"] == "matching" and note:
            part["notes"].append(f"No candidates: {note}")
    if not material.results and view.found("synthesis").state in COMPUTABLE:
        first["command"] = _command(command, "synthesis", pair_id)
    shown_parts = [part for part in parts if _has_something(part)]
    for part in parts:
        told = part["state"] == "unneeded" or (part["name"] == "evaluation" and view.pair.truth is None)
        if part not in shown_parts and not told:
            first["notes"] += [n for n in part["notes"] if not any(n in known for known in first["notes"])]
    return {
        "format": PAGE_FORMAT,
        "id": pair_id,
        "methods": methods_line(view.session.config),
        "about": about(view),
        "scores": scores,
        "size": material.size,
        "stages": [first, *shown_parts],
        "pieces": tables,
        "fates": [look.name for look in FATES.values()],
        "pictures": material.pictures,
        "wheel": COLOR_WHEEL.round(4).tolist(),
        "heat": colors_text(heat_colors()),
        "record": [stage_record(view, stage) for stage in needed_for("evaluation", view.session.config)],
    }


def _has_something(part: Mapping[str, Any]) -> bool:
    """Whether a part shows something, can be computed, or has failed."""
    if part["state"] in ("unneeded", "skipped"):
        return False
    return bool(part["views"] or part["facts"] or part["state"] != "ok")


def piece_tables(material: Material) -> tuple[list[dict[str, Any] | None], str]:
    """Everything about the pieces of frame 0 and of frame 1, and why there are no candidates, if so."""
    tables: list[dict[str, Any] | None] = [
        None if pieces is None else piece_table(pieces) for pieces in material.pieces
    ]
    first, second = material.matched_pieces
    if first is None or second is None or tables[0] is None or tables[1] is None:
        return tables, ""
    matches, flow = material.matching.arrays, material.coarse_flow.arrays
    if {"match01", "rank_sum01"} <= matches.keys():
        tables[0]["matchColors"], tables[1]["matchColors"] = matched_colors(matches, second.count)
    sides = ((tables[0], "01", (first, second)), (tables[1], "10", (second, first)))
    for table, direction, pair in sides:
        if {f"{name}{direction}" for name in ("match", "rank_sum", "score")} <= matches.keys():
            table |= match_table(pair, matches, direction, material.config.coarse_flow)
            table["overlap"] = {
                piece: round(share, SHARE_DIGITS) for piece, share in material.overlaps(direction).items()
            }
            fate = flow.get(f"fate{direction}")
            if fate is not None and len(fate):
                table |= fate_table(fate, table, pair[0].area.tolist())
    if material.matching.state == "unneeded":
        return tables, ""
    found = material.candidates()
    if isinstance(found, str):
        return tables, found
    for (table, _, _), best in zip(sides, found, strict=True):
        table["candidates"] = candidate_table(best)
    return tables, ""


def _command(words: Sequence[str], stage: str, pair_id: str) -> str:
    return command_line([*words, "--id", pair_id, "--to", stage]) if words else ""


def about(view: PairResults) -> list[str]:
    """The pair's annotation, its problems, and whether it has no ground truth."""
    note = view.pair.annotation
    told: list[str] = []
    if note is not None:
        if note.level is not None:
            told.append(f"level {note.level} ({LEVELS[note.level]})")
        told += [shown(str(said)) for said in (note.general_motion_type, note.behavior) if said]
    told += [said for said in (view.pair.error, view.pair.annotation_error) if said]
    return told if view.pair.truth else [*told, "no ground truth"]
