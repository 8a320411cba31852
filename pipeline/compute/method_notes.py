"""Notes on the methods that readers of results must know."""

from __future__ import annotations

from configs.sections import Config
from pipeline.compute.registry import binding_of, needed_for


def method_notes(config: Config, last: str = "evaluation") -> list[str]:
    """The notes on the methods of a config."""
    said = []
    for stage in needed_for(last, config):
        note = binding_of(stage, config).without_weights
        if note and getattr(config, stage).weights is None:
            said.append(f"{stage}: no weights given ({stage}.weights), so {note}")
    return said
