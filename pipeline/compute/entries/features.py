"""The entry of features."""

from __future__ import annotations

from pathlib import Path

import torch

from configs.sections import Config
from models.vgg19 import VGG19, random_vgg19
from models.weights.loading import load_vgg19
from pipeline.compute.entry import Method, Network, StageEntry
from pipeline.compute.item_source import ItemSource
from pipeline.compute.working_sizes import matched_frame, matched_pieces
from pipeline.store.array_specs import Array
from stages import features, piece_descriptors


def _vgg19(path: Path | None = None, *, layers: tuple[str, ...], seed: int, precision: str) -> VGG19:
    network = random_vgg19(layers, seed) if path is None else load_vgg19(path, layers)
    return network.to(getattr(torch, precision))  # the setting's values are Torch's names


NETWORK = Network("features", ("weights",), _vgg19, ("layers", "seed", "precision"), random=True)


def describe_frame(item: ItemSource, config: Config) -> dict[str, Array]:
    """Features of a frame's pieces, by VGG-19."""
    pieces = matched_pieces(item, 0, config)
    described = features.describe_pieces(
        matched_frame(item.frame(0), config),
        pieces.label_map,
        len(pieces.area),
        NETWORK.load(config),
        device=config.executor.device,
    )
    return {"piece_features": described}


def describe_frame_by_appearance(item: ItemSource, config: Config) -> dict[str, Array]:
    """Features of a frame's pieces, without a network."""
    frame, pieces = matched_frame(item.frame(0), config), matched_pieces(item, 0, config)
    return {"piece_features": piece_descriptors.describe_by_appearance(frame, pieces)}


ENTRY = StageEntry(
    "features",
    "frame",
    {
        "vgg19": Method(
            version=features.STAGE_VERSION,
            work=describe_frame,
            reads=("segmentation",),
            network=NETWORK,
            without_weights="a VGG-19 with random weights describes the pieces; trained ones would describe "
            "them as the paper does",
        ),
        "appearance": Method(
            version=piece_descriptors.STAGE_VERSION,
            work=describe_frame_by_appearance,
            reads=("segmentation",),
            without_weights="pieces are described by colour, surroundings, shape and place ('appearance'); "
            "VGG-19 weights would describe them as the paper does ('vgg19')",
        ),
    },
    networked=True,
)
