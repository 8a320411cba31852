"""What a reader of results must know about the methods that made them."""

from __future__ import annotations

from configs.sections import Config
from pipeline.compute.registry import binding_of, needed_for


def method_notes(config: Config, last: str = "evaluation") -> list[str]:
    """What a reader of a stage's results must know about how they were made."""
    said = []
    for stage in needed_for(last, config):
        note = binding_of(stage, config).without_weights
        if note and getattr(config, stage).weights is None:
            said.append(f"{stage}: no weights given ({stage}.weights), so {note}")
    return said
