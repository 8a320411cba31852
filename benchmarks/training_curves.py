"""Draws what validation found in trainings that went on from each other, from their logs.

The logs are `log.jsonl` of `<cache>/training/<fingerprint>`, in their order; hours go on from log to log.
"""

from __future__ import annotations

import argparse
import json
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "training_curves.png"
COLOURS = {"flow": "tab:blue", "synthesis": "tab:green", "joint": "tab:orange"}


def validations(logs: list[Path]) -> list[dict[str, Any]]:
    """The validations of all logs, with `hours` since the first step of the first."""
    found: list[dict[str, Any]] = []
    for log in logs:
        before = found[-1]["hours"] if found else 0.0
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        found += [
            {**line, "hours": before + line["hours"], "log": log}
            for line in lines
            if line["kind"] == "validation"
        ]
    return found


def draw(found: list[dict[str, Any]], picture: Path) -> None:
    """End-point error and PSNR with hours, a line for each phase of each training."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = figure.subplots(1, 2)
    labelled: set[str] = set()
    for (_, phase), group in groupby(found, lambda one: (one["log"], one["phase"])):
        points = list(group)
        hours = [one["hours"] for one in points]
        for panel, name in zip(panels, ("error", "psnr"), strict=True):
            label = None if panel is panels[1] or phase in labelled else phase
            panel.plot(hours, [one[name] for one in points], ".-", color=COLOURS[phase], label=label)
        labelled.add(phase)
    for panel, label in zip(panels, ("end-point error, px", "PSNR, dB"), strict=True):
        panel.set(xlabel="hours", ylabel=f"held-out scenes: {label}")
        panel.grid(visible=True, alpha=0.4)
    panels[0].legend()
    figure.savefig(picture, dpi=90)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_curves")
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    parser.add_argument("--output", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    draw(validations(arguments.logs), arguments.output)
