"""How segment-guided matching grows with pixels and with pieces; draws docs/pictures/growth.png."""

from __future__ import annotations

from pathlib import Path

import cv2
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from animeinterp.configs.loading import load_config
from animeinterp.models.vgg19 import random_vgg19
from benchmarks import matching
from benchmarks.measuring import Pair, compare
from benchmarks.sgm import PairWork

WIDTHS = (240, 480, 960, 1920)
PIECES = (125, 250, 500, 1000, 2000, 4000, 8000)
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "growth.png"

Curve = dict[float, float]


def by_pixels(pair: Pair) -> dict[str, Curve]:
    """Seconds at each number of megapixels of the same pair, resized."""
    config = load_config("paper")
    network = random_vgg19(config.features.layers, config.features.seed)
    preset = config.segmentation.anime
    curves: dict[str, Curve] = {}
    for width in WIDTHS:
        size = (width, round(pair.frame0.shape[0] * width / pair.frame0.shape[1]))
        frames = [
            cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in (pair.frame0, pair.frame1)
        ]
        work = PairWork(Pair(pair.name, *frames), config, network)
        filtering = (frames[0], preset.diameter, preset.sigma_color, preset.sigma_space)
        functions = {
            "features, a frame": work.describe,
            "coarse flow, a pair": work.flow,
            "segmentation, a frame": work.segment,
            "its bilateral filter alone": lambda filtering=filtering: cv2.bilateralFilter(*filtering),
        }
        for name, seconds in compare(functions, repeats=3).items():
            curves.setdefault(name, {})[size[0] * size[1] / 1e6] = seconds
        print(f"{width} px wide: {work.pieces[0].count} x {work.pieces[1].count} pieces")
    return curves


def by_pieces() -> dict[str, Curve]:
    """Seconds of matching n pieces with n."""
    return {
        "matching, a pair": {
            count: compare({"stage": matching.match(count)["stage"]}, repeats=3 if count <= 2000 else 1)[
                "stage"
            ]
            for count in PIECES
        }
    }


def draw(panel: Axes, label: str, curves: dict[str, Curve]) -> None:
    for name, curve in curves.items():
        panel.loglog(list(curve), list(curve.values()), marker="o", label=name)
        print(f"{name:28}", "  ".join(f"{x:.3g}: {seconds:.3f} s" for x, seconds in curve.items()))
    panel.minorticks_off()
    panel.set_xticks(list(curve), labels=[f"{x:.2g}" if x < 10 else f"{x:,.0f}" for x in curve])
    panel.set(xlabel=label, ylabel="seconds, one core")
    panel.grid(visible=True, which="major", alpha=0.4)
    panel.legend()


def main(pairs: list[Pair]) -> None:
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw(left, "megapixels a frame", by_pixels(pairs[-1]))
    draw(right, "pieces a frame", by_pieces())
    figure.savefig(PICTURE, dpi=100)
