"""Seconds of each stage on one drawn pair at 540x960, one core, beside the work it cannot do without."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import torch

from configs.loading import load_config
from data.cartoon import draw_triplet
from models.vgg19 import random_vgg19
from pipeline.executors import prepare_process
from stages.coarse_flow import generate_coarse_flow
from stages.evaluation import evaluate_frame
from stages.features import describe_pieces
from stages.matching import match_pieces
from stages.segmentation import segment
from stages.synthesis import synthesise

REPEATS = 3


def best(function: Callable[[], object]) -> float:
    """Shortest of some runs, s: other work on the machine only ever adds."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    prepare_process(1)
    config = load_config("paper")
    triplet = draw_triplet(0, style="Japan")
    frame0, frame1 = triplet.frame0, triplet.frame1
    network = random_vgg19(config.features.layers, 0)
    rows: list[tuple[str, float, str, float]] = []

    def row(
        name: str, function: Callable[[], object], floor: str, least: Callable[[], object] | None
    ) -> None:
        rows.append((name, best(function), floor, best(least) if least else float("nan")))

    preset = config.segmentation.anime
    pieces = [segment(frame, preset) for frame in (frame0, frame1)]
    row(
        "segmentation, a frame",
        lambda: segment(frame0, preset),
        "bilateral filter",
        lambda: cv2.bilateralFilter(frame0, preset.diameter, preset.sigma_color, preset.sigma_space),
    )
    pixels = torch.from_numpy(frame0).permute(2, 0, 1)[None].float() / 255

    def convolutions() -> None:
        with torch.inference_mode():
            network(pixels)

    described = [
        describe_pieces(frame, found.label_map, found.count, network)
        for frame, found in zip((frame0, frame1), pieces, strict=True)
    ]
    row(
        "features, a frame",
        lambda: describe_pieces(frame0, pieces[0].label_map, pieces[0].count, network),
        "the network alone",
        convolutions,
    )
    matching = match_pieces(described[0], described[1], pieces[0], pieces[1], config.matching)
    row(
        f"matching, {pieces[0].count} x {pieces[1].count} pieces",
        lambda: match_pieces(described[0], described[1], pieces[0], pieces[1], config.matching),
        "",
        None,
    )

    def coarse() -> object:
        return generate_coarse_flow(frame0, frame1, pieces[0], pieces[1], matching, config.coarse_flow)

    row("coarse flow, a pair", coarse, "", None)
    flows = generate_coarse_flow(frame0, frame1, pieces[0], pieces[1], matching, config.coarse_flow)

    def blend() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return synthesise(frame0, frame1, flows.flow01, flows.flow10, (0.5,), None, config.synthesis)

    row("synthesis (blend), a pair", blend, "", None)
    frame = blend()[0]
    row(
        "evaluation, a pair",
        lambda: evaluate_frame(frame, triplet.middle, None, None, config.evaluation),
        "",
        None,
    )
    print(f"{'stage, 540x960, one core':32} {'s':>8}   floor")
    for name, seconds, floor, least in rows:
        beside = f"{floor} {least:.3f} s, ratio {seconds / least:.2f}" if floor else ""
        print(f"{name:32} {seconds:8.3f}   {beside}")


if __name__ == "__main__":
    main()
