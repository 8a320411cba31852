"""The page about a training: curves of its log, and held-out scenes as they get better."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from animeinterp.configs.files import json_lines, replace_file
from animeinterp.pipeline.pages.html_files import render
from animeinterp.pipeline.store.sizes import in_time
from animeinterp.pipeline.training.checkpoints import LOG, PICTURES, SETTINGS

PAGE_NAME = "training.html"
WIDTH, HEIGHT = 600, 180  # of a chart's inside, in its own units
MOST_POINTS = 300  # of a curve
MOST_PICTURES = 6
SHOWN = 0.98  # quantile of the values that the vertical axis holds: the first losses are far above the others


class Curve(NamedTuple):
    """A line in a chart."""

    name: str
    points: str
    """As SVG's `points`."""
    last: str
    """Its last value."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over the steps, in one unit."""

    title: str
    unit: str
    low: float
    high: float
    curves: Sequence[Curve]


class Picture(NamedTuple):
    """Held-out scenes at a step."""

    step: int
    address: str
    """As a data URL."""


CHARTS: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
    (
        "validation",
        "End-point error, held-out scenes",
        "px",
        {
            "error": "refined",
            "start_error": "initial flow",
            "visible": "refined, visible pixels",
            "start_visible": "initial, visible",
        },
    ),
    ("validation", "PSNR, held-out scenes", "dB", {"psnr": "frame"}),
    ("steps", "Losses", "", {"flow": "flow, px", "matching": "matching, nats"}),
    ("steps", "Frame losses", "", {"frame": "frame and pyramid", "difference": "frame"}),
    ("steps", "Learning rate", "", {"rate": "rate"}),
)
"""Kind of the log's entries, title, unit and curves of each chart."""


def write_training_page(folder: Path) -> Path:
    """Write the page of a training beside its log.

    Parameters
    ----------
    folder
        Of the training.

    Raises
    ------
    OSError
        It cannot be written.
    """
    entries = json_lines(folder / LOG)
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    validations = [entry for entry in entries if entry["kind"] == "validation"]
    last: Mapping[str, Any] = entries[-1] if entries else {"step": 0, "phase": "not begun"}
    page = render(
        "training/training.html",
        "training/training.css",
        fingerprint=folder.name,
        step=last["step"],
        phase=last["phase"],
        hours=in_time(3600 * validations[-1]["hours"]) if validations else "",
        best=max((entry["step"] for entry in validations if entry["best"]), default=None),
        charts=[chart for chart in (_chart(entries, *wanted) for wanted in CHARTS) if chart.curves],
        pictures=_pictures(folder),
        settings=json.dumps(settings, indent=1),
        size=(WIDTH, HEIGHT),
    )
    replace_file(folder / PAGE_NAME, page)
    return folder / PAGE_NAME


def _chart(
    entries: Sequence[Mapping[str, Any]], kind: str, title: str, unit: str, names: Mapping[str, str]
) -> Chart:
    chosen = [entry for entry in entries if entry["kind"] == kind]
    found = {
        label: np.array([(entry["step"], entry[name]) for entry in chosen if name in entry], np.float64)
        for name, label in names.items()
    }
    found = {label: values for label, values in found.items() if len(values)}
    if not found:
        return Chart(title, unit, 0, 1, [])
    values = np.concatenate([curve[:, 1] for curve in found.values()])
    low = float(values.min()) if unit == "dB" else 0.0
    shown = float(np.quantile(values, SHOWN))
    high = max(shown, *(float(curve[-1, 1]) for curve in found.values()), low + 1e-9)
    steps = max(float(curve[-1, 0]) for curve in found.values())
    curves = [
        Curve(label, _points(curve, steps, low, high), f"{curve[-1, 1]:.4g}")
        for label, curve in found.items()
    ]
    return Chart(title, unit, low, high, curves)


def _points(curve: np.ndarray, steps: float, low: float, high: float) -> str:
    """Means over equal parts of a long curve, as SVG's points."""
    parts = np.array_split(curve, min(len(curve), MOST_POINTS))
    means = np.array([part.mean(axis=0) for part in parts])
    x = means[:, 0] / steps * WIDTH
    y = HEIGHT * (1 - np.clip((means[:, 1] - low) / (high - low), 0, 1))
    return " ".join(f"{left:.1f},{top:.1f}" for left, top in zip(x, y, strict=True))


def _pictures(folder: Path) -> list[Picture]:
    """The last pictures and some of those before it, evenly spread."""
    files = sorted((folder / PICTURES).glob("*.jpg"))
    chosen = np.unique(np.linspace(len(files) - 1, 0, min(len(files), MOST_PICTURES)).round().astype(int))
    return [
        Picture(int(files[k].stem), f"data:image/jpeg;base64,{b64encode(files[k].read_bytes()).decode()}")
        for k in chosen[::-1]
    ]
