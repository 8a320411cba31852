"""Seconds of each stage on one drawn pair, one core, without trained weights; the others look closer."""

from __future__ import annotations

from animeinterp.configs.loading import load_config
from animeinterp.data.cartoon import draw_triplet
from animeinterp.models.vgg19 import random_vgg19
from animeinterp.stages.evaluation import evaluate_frame
from animeinterp.stages.pair_batch import FloatArray
from animeinterp.stages.synthesis import synthesise
from benchmarks.measuring import Pair, compare
from benchmarks.sgm import PairWork


def main(_pairs: list[Pair]) -> None:
    config = load_config("paper")
    triplet = draw_triplet(0, style="Japan")
    pair = Pair("drawn", triplet.frame0, triplet.frame1)
    work = PairWork(pair, config, random_vgg19(config.features.layers, config.features.seed))
    flow = work.flow()

    def compose() -> FloatArray:
        return synthesise(*work.frames, flow.flow01, flow.flow10, (0.5,), None, config.synthesis)

    frame = compose()[0]
    seconds = compare(
        {
            "segmentation, a frame": work.segment,
            "features, a frame": work.describe,
            f"matching, {work.pieces[0].count} x {work.pieces[1].count} pieces": work.match,
            "coarse flow, a pair": work.flow,
            "synthesis (composite), a pair": compose,
            "evaluation, a pair": lambda: evaluate_frame(
                frame, triplet.middle, None, None, config.evaluation
            ),
        },
        repeats=3,
    )
    for name, shortest in seconds.items():
        print(f"{name:32} {shortest:8.3f} s")
