"""How workers call refinement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from animeinterp.configs.sections import Config
from animeinterp.models.light_rfr import LightRFR
from animeinterp.models.precision import dtype_of
from animeinterp.models.rfr import RFR
from animeinterp.models.weights.light import load_light
from animeinterp.models.weights.loading import load_rfr
from animeinterp.pipeline.compute.entry import NetworkPair, Together
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.networks import load_network
from animeinterp.pipeline.compute.working_sizes import network_pair, size_of
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages import inverse_search, refinement
from animeinterp.stages.working_size import resize_flow, resize_labels, resize_map


def build_rfr(
    path: Path,
    *,
    confidence_mask: bool,
    initial_flow_additions: Literal[1, 2],
    iterations: int,
    precision: str,
) -> RFR:
    """RFR with the weights of a file."""
    network = load_rfr(
        path,
        confidence_mask=confidence_mask,
        initial_flow_additions=initial_flow_additions,
        iterations=iterations,
    )
    return network.set_precision(dtype_of(precision))


def build_light_rfr(path: Path, *, precision: str) -> LightRFR:
    """The light RFR with the weights of a file."""
    return load_light(path).refinement.set_precision(dtype_of(precision))


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
        load_network("refinement", config),
        device=config.executor.device,
        fraction_bits=config.refinement.fraction_bits,
    )
    return [_arrays(flows, read.size) for flows, read in zip(refined, pairs, strict=True)]


def refine_pairs_lightly(pairs: Sequence[NetworkPair], config: Config) -> list[dict[str, Array]]:
    """The same by the light network, the importance of pixels, and the flows that it has started from."""
    refined = refinement.refine_lightly(
        [read.pair for read in pairs],
        load_network("refinement", config),
        device=config.executor.device,
        fraction_bits=config.refinement.fraction_bits,
    )
    return [
        _arrays(found.flows, read.size)
        | _arrays(refinement.RefinedFlow(read.pair.flow01, read.pair.flow10), read.size, "start_flow")
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


BY_NETWORK = Together(read_pair, refine_pairs)
BY_LIGHT_NETWORK = Together(read_start, refine_pairs_lightly)


def search_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """Refined flows of a pair, by inverse search."""
    read = read_pair(item, config)
    return _arrays(_search(item, read.pair), read.size)


def _search(item: ItemSource, pair: refinement.CoarsePair) -> refinement.RefinedFlow:
    label_maps = None
    if item.reads("segmentation"):
        size = size_of(pair.frame0)
        whole = (item.read("segmentation", k, ("label_map",))["label_map"] for k in (0, 1))
        label_maps = [resize_labels(label_map, size) for label_map in whole]
    return inverse_search.search_flows(*pair, label_maps)


def keep_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """The unchanged coarse flows of a pair."""
    read = read_pair(item, config, height=0)
    return _arrays(refinement.refine_together([read.pair], network=None)[0], read.size)


def _arrays(
    flows: refinement.RefinedFlow, size: tuple[int, int], name: str = "refined_flow"
) -> dict[str, Array]:
    """Flows at the size of the frames."""
    return {f"{name}01": resize_flow(flows.flow01, size), f"{name}10": resize_flow(flows.flow10, size)}
