"""Coarse flow beside the inverse searches in it, which it cannot do without."""

from __future__ import annotations

from unittest import mock

from animeinterp.configs.loading import load_config
from animeinterp.models.vgg19 import random_vgg19
from animeinterp.stages import coarse_flow
from benchmarks.measuring import Pair, compare
from benchmarks.sgm import PairWork


def main(pairs: list[Pair]) -> None:
    config = load_config("paper")
    network = random_vgg19(config.features.layers, config.features.seed)
    for pair in pairs:
        _measure(pair, PairWork(pair, config, network))


def _measure(pair: Pair, work: PairWork) -> None:
    kind = coarse_flow._InverseSearch
    with mock.patch.object(kind, "bend", autospec=True, side_effect=kind.bend) as bend:
        work.flow()
    pictures = [call.args[1:] for call in bend.call_args_list]
    search = kind(work.config.coarse_flow)

    def searches() -> None:
        for picture0, picture1 in pictures:
            search.calc(picture0, picture1)

    seconds = compare({"whole": work.flow, "searches": searches})
    static = sum(bool((picture0 == picture1).all()) for picture0, picture1 in pictures)
    print(
        f"{pair.name:24} {pair.size}: {seconds['whole']:.2f} s, "
        f"{seconds['whole'] / seconds['searches']:.2f} x its {len(pictures)} searches alone; "
        f"{static} of them between equal pictures, answered without"
    )
