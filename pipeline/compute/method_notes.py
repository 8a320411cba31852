"""What a reader of results must know about the methods that made them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from configs.sections import Config, NetworkSection
from pipeline.compute.registry import needed_for

WITHOUT_WEIGHTS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("features", "appearance"): "pieces are described by colour, surroundings, shape and place "
        "('appearance'); VGG-19 weights would describe them as the paper does ('vgg19')",
        ("features", "vgg19"): "a random VGG-19 describes the pieces; VGG-19 weights would describe them as "
        "the paper does",
        (
            "refinement",
            "inverse_search",
        ): "flows come from dense inverse search ('inverse_search'); a trained "
        "network would refine them ('rfr')",
        ("synthesis", "composite"): "frames are put together from the two splatted frames ('composite'); a "
        "trained network would draw them and mend outlines and holes ('gridnet')",
    }
)
"""What methods without weights do, and what weights would change, by stage and method."""


def method_notes(config: Config, last: str = "evaluation") -> list[str]:
    """What a reader of a stage's results must know about how they were made."""
    said = []
    for stage in needed_for(last, config):
        section = getattr(config, stage)
        if isinstance(section, NetworkSection) and section.weights is None:
            note = WITHOUT_WEIGHTS.get((stage, section.chosen_method))
            said += [f"{stage}: no weights given ({stage}.weights), so {note}"] if note else []
    return said
