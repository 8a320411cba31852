"""How workers call synthesis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from animeinterp.configs.sections import Config
from animeinterp.data.exr import LARGEST, to_linear, to_visible
from animeinterp.models.light_synthesis import LightSynthesis
from animeinterp.models.precision import dtype_of
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.models.weights.light import load_light
from animeinterp.models.weights.loading import load_synthesis
from animeinterp.pipeline.compute.entry import NetworkPair, Together
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.networks import load_network
from animeinterp.pipeline.compute.working_sizes import network_pair, size_of
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages import synthesis
from animeinterp.stages.pair_batch import NO_HINTS, RefinedPair, hints_in
from animeinterp.stages.working_size import enlarge_frames, shrink_colours


def build_gridnet(path: Path, *, precision: str) -> SynthesisNetwork:
    """GridNet and its feature extractor with the weights of a file."""
    return load_synthesis(path).set_precision(dtype_of(precision))


def build_light(path: Path, *, precision: str) -> LightSynthesis:
    """The light network with the weights of a file."""
    return load_light(path).synthesis.set_precision(dtype_of(precision))


def read_pair(item: ItemSource, config: Config) -> NetworkPair:
    """A pair and its refined flows, at the configured height."""
    return _read(item, config, config.synthesis.height)


def read_whole_pair(item: ItemSource, config: Config) -> NetworkPair:
    """A pair and its refined flows, at full size: without a network, a lower height would save nothing."""
    return _read(item, config, 0)


def _read(item: ItemSource, config: Config, height: int) -> NetworkPair:
    refined = item.read("refinement")
    read = network_pair(
        RefinedPair,
        item,
        (refined["refined_flow01"], refined["refined_flow10"]),
        height,
        hints_in(refined),
    )
    if config.synthesis.dtype not in ("uint16", "linear"):
        return read
    linear = config.synthesis.dtype == "linear"
    frames = [item.linear_frame(k) if linear else item.deep_frame(k) for k in (0, 1)]
    brightest = max(1.0, *(float(frame.max()) for frame in frames))
    colours = [shrink_colours(frame, size_of(read.pair.frame0)) / np.float32(brightest) for frame in frames]
    if linear and not _adds_light(config):
        colours = [to_visible(each) for each in colours]
    return read._replace(pair=RefinedPair(*read.pair[:4], *colours), brightest=brightest)


def _adds_light(config: Config) -> bool:
    """Whether frames are mixed as they are; networks know none but visible values."""
    return config.synthesis.chosen_method in ("composite", "blend")


def draw_pairs(pairs: Sequence[NetworkPair], config: Config) -> list[dict[str, Array]]:
    """In-between frames of pairs of one size, at the same times, by the network of the method."""
    return _frames(pairs, config, load_network("synthesis", config))


def join_pairs(pairs: Sequence[NetworkPair], config: Config) -> list[dict[str, Array]]:
    """The same, combined from the splatted frames."""
    return _frames(pairs, config, None)


def _frames(
    pairs: Sequence[NetworkPair], config: Config, network: SynthesisNetwork | LightSynthesis | None
) -> list[dict[str, Array]]:
    drawn = synthesis.synthesise_together(
        [read.pair for read in pairs],
        pairs[0].times,
        network,
        config.synthesis,
        device=config.executor.device,
        hints=[read.hints or NO_HINTS for read in pairs],
    )
    return [
        {"frames": _kept(enlarge_frames(frames, read.size), read.brightest, config)}
        for frames, read in zip(drawn, pairs, strict=True)
    ]


def _kept(frames: Array, brightest: float, config: Config) -> Array:
    dtype = config.synthesis.dtype
    if dtype != "linear":
        return synthesis.quantise(frames, dtype)
    linear = frames if _adds_light(config) else to_linear(frames)
    return np.minimum(linear * np.float32(brightest), LARGEST).astype(np.float16)


BY_NETWORK = Together(read_pair, draw_pairs)
WITHOUT_NETWORK = Together(read_whole_pair, join_pairs)
