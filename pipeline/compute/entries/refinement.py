"""The entry of refinement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from configs.sections import Config
from models.light_rfr import LightRFR
from models.rfr import RFR
from models.weights.light import SHIPPED, load_light
from models.weights.loading import load_rfr
from pipeline.compute.entry import Method, Network, NetworkPair, StageEntry, Together
from pipeline.compute.item_source import ItemSource
from pipeline.compute.working_sizes import network_pair, size_of
from pipeline.store.array_specs import Array
from stages import inverse_search, refinement
from stages.working_size import resize_flow, resize_labels, resize_map


def _rfr(
    path: Path,
    *,
    confidence_mask: bool,
    initial_flow_additions: Literal[1, 2],
    iterations: int,
    precision: str,
) -> RFR:
    network = load_rfr(
        path,
        confidence_mask=confidence_mask,
        initial_flow_additions=initial_flow_additions,
        iterations=iterations,
    )
    return network.set_precision(getattr(torch, precision))  # the setting's values are Torch's names


NETWORK = Network(
    "refinement",
    ("weights",),
    _rfr,
    ("confidence_mask", "initial_flow_additions", "iterations", "precision"),
)


def _light_rfr(path: Path, *, precision: str) -> LightRFR:
    return load_light(path).refinement.set_precision(getattr(torch, precision))


LIGHT_NETWORK = Network("refinement", ("weights",), _light_rfr, ("precision",), shipped=SHIPPED)


def read_pair(item: ItemSource, config: Config, height: int | None = None) -> NetworkPair:
    """A pair and its coarse flows, at the configured height unless another is given."""
    coarse = item.read("coarse_flow")
    return network_pair(
        refinement.CoarsePair,
        item,
        (coarse["coarse_flow01"], coarse["coarse_flow10"]),
        config.refinement.height if height is None else height,
    )


def refine_pairs(pairs: Sequence[NetworkPair], config: Config) -> list[dict[str, Array]]:
    """Refined flows of pairs of one size, by the network."""
    refined = refinement.refine_together(
        [read.pair for read in pairs],
        NETWORK.load(config),
        device=config.executor.device,
        fraction_bits=config.refinement.fraction_bits,
    )
    return [_arrays(flows, read.size) for flows, read in zip(refined, pairs, strict=True)]


def refine_pairs_lightly(pairs: Sequence[NetworkPair], config: Config) -> list[dict[str, Array]]:
    """The same, and the importance of pixels, by the light network."""
    refined = refinement.refine_lightly(
        [read.pair for read in pairs],
        LIGHT_NETWORK.load(config),
        device=config.executor.device,
        fraction_bits=config.refinement.fraction_bits,
    )
    return [
        _arrays(found.flows, read.size)
        | {
            "importance01": resize_map(found.importance01, read.size),
            "importance10": resize_map(found.importance10, read.size),
        }
        for found, read in zip(refined, pairs, strict=True)
    ]


def read_start(item: ItemSource, config: Config) -> NetworkPair:
    """A pair and the flows from which the light network starts."""
    read = read_pair(item, config)
    if config.refinement.start == "inverse_search":
        found = _search(item, read.pair)
        pair = read.pair._replace(flow01=found.flow01, flow10=found.flow10)
        return read._replace(pair=pair)
    return read


def search_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """Refined flows of a pair, by inverse search."""
    read = read_pair(item, config)
    return _arrays(_search(item, read.pair), read.size)


def _search(item: ItemSource, pair: refinement.CoarsePair) -> refinement.RefinedFlow:
    label_maps = None
    if any(found.stage == "segmentation" for found in item.upstream):
        size = size_of(pair.frame0)
        whole = (item.read("segmentation", k, ("label_map",))["label_map"] for k in (0, 1))
        label_maps = [resize_labels(label_map, size) for label_map in whole]
    return inverse_search.search_flows(*pair, label_maps)


def keep_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """The unchanged coarse flows of a pair."""
    read = read_pair(item, config, height=0)
    return _arrays(refinement.refine_together([read.pair], network=None)[0], read.size)


def _arrays(flows: refinement.RefinedFlow, size: tuple[int, int]) -> dict[str, Array]:
    """Flows at the size of the frames."""
    return {
        "refined_flow01": resize_flow(flows.flow01, size),
        "refined_flow10": resize_flow(flows.flow10, size),
    }


ENTRY = StageEntry(
    "refinement",
    "pair",
    {
        "rfr": Method(
            version=refinement.STAGE_VERSION,
            work=Together(read_pair, refine_pairs),
            reads=("coarse_flow",),
            network=NETWORK,
        ),
        "light": Method(
            version=refinement.LIGHT_VERSION,
            work=Together(read_start, refine_pairs_lightly),
            reads=("coarse_flow",),
            reads_if_made=("segmentation",),
            network=LIGHT_NETWORK,
        ),
        "inverse_search": Method(
            version=inverse_search.STAGE_VERSION,
            work=search_pair,
            reads=("coarse_flow",),
            reads_if_made=("segmentation",),
            without_weights="flows come from dense inverse search ('inverse_search'); a trained network "
            "would refine them ('rfr')",
        ),
        "none": Method(version=refinement.STAGE_VERSION, work=keep_pair, reads=("coarse_flow",)),
    },
    networked=True,
)
