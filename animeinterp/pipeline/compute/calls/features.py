"""How workers call features."""

from __future__ import annotations

from pathlib import Path

from animeinterp.configs.sections import Config
from animeinterp.models.precision import dtype_of
from animeinterp.models.vgg19 import VGG19, random_vgg19
from animeinterp.models.weights.loading import load_vgg19
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.networks import load_network
from animeinterp.pipeline.compute.working_sizes import matched_frame, matched_pieces
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages import features, piece_descriptors


def build_vgg19(path: Path | None = None, *, layers: tuple[str, ...], seed: int, precision: str) -> VGG19:
    """VGG-19 with the weights of a file, or with random ones."""
    network = random_vgg19(layers, seed) if path is None else load_vgg19(path, layers)
    return network.to(dtype_of(precision))


def describe_frame(item: ItemSource, config: Config) -> dict[str, Array]:
    """Features of a frame's pieces, by VGG-19."""
    pieces = matched_pieces(item, 0, config)
    described = features.describe_pieces(
        matched_frame(item.frame(0), config),
        pieces.label_map,
        len(pieces.area),
        load_network("features", config),
        device=config.executor.device,
    )
    return {"piece_features": described}


def describe_frame_by_appearance(item: ItemSource, config: Config) -> dict[str, Array]:
    """Features of a frame's pieces, without a network."""
    frame, pieces = matched_frame(item.frame(0), config), matched_pieces(item, 0, config)
    return {"piece_features": piece_descriptors.describe_by_appearance(frame, pieces)}
