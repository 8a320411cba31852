"""Views and layers: the names of a page's pictures, and how they are drawn.

A stage has views, shown side by side; a view has layers, shown one at a time.
`page/layers.js` draws them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import Config
from animeinterp.pipeline.results.pair_results import Found, ResultState
from animeinterp.pipeline.store.fingerprints import resolved_method

Layer = dict[str, Any]
View = dict[str, Any]
Fact = tuple[str, str]


STATE_WORDS: Mapping[ResultState, str] = {"missing": "not computed", "unneeded": "not needed"}


def layer(label: str, picture: str, draw: str, alt: str, **more: Any) -> Layer:
    """One picture of a view.

    Parameters
    ----------
    label
        Its name on the switch.
    picture
        Name of the picture it is drawn from.
    draw
        `photo`; `pieces` in the colours of `colors`; `flow`, saturated at `longest` px; `length`, bright at
        `longest` px; `heat`, dark at `low` and bright at `high`, in `unit`; `holes`, where the picture is 0,
        on the picture `over`.
    alt
        Alternative text.
    **more
        Parameters of `draw`; `time`, if layers of this label exist for several times; `told`, what the legend
        says of its colours.
    """
    return {"label": label, "picture": picture, "draw": draw, "alt": alt, **more}


def view(title: str, layers: Sequence[Layer], note: str = "", **more: Any) -> View:
    """A place for layers.

    Parameters
    ----------
    title
        Its caption.
    layers
        The available layers; without any the page leaves the view out.
    note
        Why there are none.
    **more
        `side` (0 or 1) whose pieces are shown when hovering; `direction` (`01`, `10`) of the flows;
        `reads`: pictures whose values are shown when hovering, by label, with their `unit`;
        `compare`: whether two layers can be compared.
    """
    return {"title": title, "layers": list(layers), "note": note, **more}


def stage(
    name: str,
    title: str,
    summary: str,
    views: Sequence[View],
    facts: Sequence[Fact] = (),
    found: Sequence[Found] = (),
    **more: Any,
) -> dict[str, Any]:
    """A stage's part of the page, without the views that have no layers.

    Parameters
    ----------
    name
        As on the command line; or a part of the page that is not a stage.
    title, summary
        Its title, and its outcome in a few words.
    views, facts
        Pictures, and numbers beside them.
    found
        The cached results; the source of notes.
    **more
        `runs`: the stage that the command for what is missing runs up to.
    """
    notes = list(dict.fromkeys(each.note for each in found if each.note))
    if any(each.state == "earlier" for each in found):
        notes.append("The results shown were computed earlier, from the frames as they are now.")
    if not notes:
        notes = [each["note"] for each in views if not each["layers"]]
    states = [each.state for each in found if each.state != "ok"]
    return {
        "name": name,
        "title": title,
        "summary": summary,
        "state": states[0] if states else "ok",
        "notes": list(dict.fromkeys(filter(None, notes))),
        "views": [each for each in views if each["layers"]],
        "facts": [list(fact) for fact in facts],
        **more,
    }


def method_of(name: str, config: Config) -> Fact:
    """The configured method of a stage."""
    return "method", resolved_method(name, config)


def outcome(found: Found, told: str) -> str:
    """The outcome of a stage: `told` if its results are present, else their state."""
    return told if found.state in ("ok", "earlier") else STATE_WORDS.get(found.state, found.state)


def everywhere(values: NDArray[np.floating]) -> str:
    """What a legend adds for a map of one value alone; empty for others."""
    low, high = float(values.min()), float(values.max())
    return f"; here {low:g} everywhere" if low == high else ""


def percent(share: float) -> str:
    """A share in words: 12.3 %."""
    return f"{share:.1%}".replace("%", " %")


def arrow(direction: str) -> str:
    """A direction in words: 0 → 1."""
    return f"{direction[0]} → {direction[1]}"


def present(arrays: Mapping[str, Any], prefix: str) -> list[str]:
    """Directions, `01` and `10`, of which there is an array."""
    return [direction for direction in ("01", "10") if f"{prefix}{direction}" in arrays]
