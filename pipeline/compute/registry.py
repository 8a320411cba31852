"""The stages in the order of the work.

Everything specific to a stage is in its entry, in `pipeline/compute/entries/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from configs.sections import Config, MethodSection
from pipeline.compute.entries import (
    coarse_flow,
    evaluation,
    features,
    matching,
    refinement,
    segmentation,
    synthesis,
)
from pipeline.compute.entry import StageBinding, StageEntry

_IN_ORDER = (segmentation, features, matching, coarse_flow, refinement, synthesis, evaluation)

STAGES: Mapping[str, StageEntry] = MappingProxyType({found.ENTRY.name: found.ENTRY for found in _IN_ORDER})
"""The stages in the order of the work."""


def binding_of(stage: str, config: Config) -> StageBinding:
    """A stage under a config."""
    return _bindings(tuple(_method_of(name, config) for name in STAGES))[stage]


def needed_for(last: str, config: Config) -> tuple[str, ...]:
    """A stage and all stages that it reads, directly or indirectly, in the order of the work."""
    needed = {last}
    for stage in reversed(list(STAGES)):
        if stage in needed:
            needed.update(binding_of(stage, config).reads)
    return tuple(stage for stage in STAGES if stage in needed)


def _method_of(stage: str, config: Config) -> str:
    section = getattr(config, stage)
    return section.chosen_method if isinstance(section, MethodSection) else ""


@lru_cache
def _bindings(methods: tuple[str, ...]) -> Mapping[str, StageBinding]:
    """Every stage with its methods."""
    bindings: dict[str, StageBinding] = {}
    rests_on: dict[str, set[str]] = {}
    for entry, method in zip(STAGES.values(), methods, strict=True):
        reads = entry.methods[method].reads
        rests_on[entry.name] = set(reads).union(*(rests_on[stage] for stage in reads))
        bindings[entry.name] = entry.bind(method, rests_on[entry.name])
    return bindings
