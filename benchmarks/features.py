"""Features: the stage beside its bare convolutions on one core, and what bfloat16 costs and changes."""

from __future__ import annotations

import torch

from animeinterp.configs.loading import load_config
from animeinterp.configs.sections import SegmentationSection
from animeinterp.models.vgg19 import VGG19, random_vgg19
from animeinterp.stages.features import describe_pieces, pool_pieces
from animeinterp.stages.matching import Matching, match_pieces
from animeinterp.stages.segmentation import Pieces, segment
from benchmarks.measuring import Frame, Pair, bare_convolutions, compare

CONFIG = load_config("paper")


def main(pairs: list[Pair]) -> None:
    network = random_vgg19(CONFIG.features.layers, CONFIG.features.seed)
    rough = random_vgg19(CONFIG.features.layers, CONFIG.features.seed).to(torch.bfloat16)
    for pair in pairs:
        pieces = _segment(pair, CONFIG.segmentation)
        if pair is pairs[0]:
            _print_seconds(pair.frame0, pieces[0], network, rough)
        _print_changes(pair, _match(pair, pieces, network), _match(pair, pieces, rough))


def _print_seconds(frame: Frame, pieces: Pieces, network: VGG19, rough: VGG19) -> None:
    image = torch.from_numpy(frame[None]).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        maps = list(network(image))
    label_maps = [pieces.label_map]
    while len(label_maps) < len(maps):
        label_maps.append(label_maps[-1][1::2, 1::2])

    def network_alone() -> None:
        with torch.inference_mode():
            for _ in network(image):
                pass

    def pooling() -> None:
        for feature_map, label_map in zip(maps, label_maps, strict=True):
            pool_pieces(feature_map[0], label_map, pieces.count)

    seconds = compare(
        {
            "bare convolutions": bare_convolutions(network_alone),
            "network alone": network_alone,
            "pooling": pooling,
            "stage": lambda: describe_pieces(frame, pieces.label_map, pieces.count, network),
            "stage, bfloat16": lambda: describe_pieces(frame, pieces.label_map, pieces.count, rough),
        }
    )
    print(f"one frame of {frame.shape[0]}x{frame.shape[1]}, {pieces.count} pieces")
    for name, value in seconds.items():
        print(f"{name:20} {value:7.3f} s, {value / seconds['bare convolutions']:.2f} times the convolutions")


def _segment(pair: Pair, section: SegmentationSection) -> tuple[Pieces, Pieces]:
    return segment(pair.frame0, section.anime), segment(pair.frame1, section.anime)


def _match(pair: Pair, pieces: tuple[Pieces, Pieces], network: VGG19) -> Matching:
    features0, features1 = (
        describe_pieces(frame, found.label_map, found.count, network)
        for frame, found in zip((pair.frame0, pair.frame1), pieces, strict=True)
    )
    return match_pieces(features0, features1, *pieces, CONFIG.matching)


def _print_changes(pair: Pair, fine: Matching, rough: Matching) -> None:
    changed = (fine.match01 != rough.match01).sum() + (fine.match10 != rough.match10).sum()
    of = len(fine.match01) + len(fine.match10)
    before, after = _mutual(fine), _mutual(rough)
    gone, new = len(before - after), len(after - before)
    print(
        f"{pair.name}, {pair.size}: with bfloat16 {changed} of {of} matches change ({changed / of:.1%}); "
        f"of {len(before)} mutual ones {gone} vanish ({gone / len(before):.1%}), {new} appear"
    )


def _mutual(matching: Matching) -> set[tuple[int, int]]:
    return {(i, int(j)) for i, j in enumerate(matching.match01) if matching.rank_sum01[i] == 0}
