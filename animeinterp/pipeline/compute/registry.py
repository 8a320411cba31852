"""The stages in the order of the work.

Everything specific to a stage is in its entry here, and how workers call it in `pipeline/compute/calls/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from animeinterp.configs.sections import Config, MethodSection
from animeinterp.models.weights.records import SHIPPED
from animeinterp.pipeline.compute.entry import Method, Network, StageBinding, StageEntry, late

_IN_ORDER = (
    StageEntry("segmentation", "frame", {"": Method(version=1, work=late("segmentation.segment_frame"))}),
    StageEntry(
        "features",
        "frame",
        {
            "vgg19": Method(
                version=2,
                work=late("features.describe_frame"),
                reads=("segmentation",),
                network=Network(
                    "features",
                    ("weights",),
                    late("features.build_vgg19"),
                    ("layers", "seed", "precision"),
                    random=True,
                ),
            ),
            "appearance": Method(
                version=1,
                work=late("features.describe_frame_by_appearance"),
                reads=("segmentation",),
            ),
        },
        networked=True,
    ),
    StageEntry(
        "matching",
        "pair",
        {
            "": Method(
                version=2,
                work=late("matching.match_pair"),
                reads=("features", "segmentation"),
                frames="nothing",
            )
        },
    ),
    StageEntry(
        "coarse_flow",
        "pair",
        {
            "sgm": Method(
                version=1, work=late("coarse_flow.flow_of_pair"), reads=("matching", "segmentation")
            ),
            "zero": Method(version=1, work=late("coarse_flow.zero_flow_of_pair"), frames="size"),
            "imported": Method(
                version=1, work=late("coarse_flow.imported_flow_of_pair"), frames="size", imports=True
            ),
        },
    ),
    StageEntry(
        "refinement",
        "pair",
        {
            "rfr": Method(
                version=3,
                work=late("refinement.BY_NETWORK"),
                reads=("coarse_flow",),
                network=Network(
                    "refinement",
                    ("weights",),
                    late("refinement.build_rfr"),
                    ("confidence_mask", "initial_flow_additions", "iterations", "precision"),
                ),
            ),
            "light": Method(
                version=4,
                work=late("refinement.BY_LIGHT_NETWORK"),
                reads=("coarse_flow",),
                reads_if_made=("segmentation",),
                network=Network(
                    "refinement",
                    ("weights",),
                    late("refinement.build_light_rfr"),
                    ("precision",),
                    shipped=SHIPPED,
                ),
            ),
            "inverse_search": Method(
                version=3,
                work=late("refinement.search_pair"),
                reads=("coarse_flow",),
                reads_if_made=("segmentation",),
            ),
            "none": Method(version=3, work=late("refinement.keep_pair"), reads=("coarse_flow",)),
        },
        networked=True,
    ),
    StageEntry(
        "synthesis",
        "pair",
        {
            "gridnet": Method(
                version=3,
                work=late("synthesis.BY_NETWORK"),
                reads=("refinement",),
                network=Network("synthesis", ("weights",), late("synthesis.build_gridnet"), ("precision",)),
            ),
            "light": Method(
                version=5,
                work=late("synthesis.BY_NETWORK"),
                reads=("refinement",),
                network=Network(
                    "synthesis", ("weights",), late("synthesis.build_light"), ("precision",), shipped=SHIPPED
                ),
            ),
            "composite": Method(
                version=3,
                work=late("synthesis.WITHOUT_NETWORK"),
                reads=("refinement",),
            ),
            "blend": Method(version=3, work=late("synthesis.WITHOUT_NETWORK"), reads=("refinement",)),
        },
        timed=True,
        networked=True,
    ),
    # LPIPS takes little time compared with the other scores, so any worker may compute them.
    StageEntry(
        "evaluation",
        "pair",
        {
            "": Method(
                version=3,
                work=late("evaluation.score_pair"),
                reads=("synthesis", "refinement", "coarse_flow"),
                reads_if_made=("matching", "segmentation"),
                frames="nothing",
                network=Network(
                    "evaluation", ("lpips_weights", "lpips_backbone"), late("evaluation.load_lpips")
                ),
            )
        },
        against_truth=True,
    ),
)

STAGES: Mapping[str, StageEntry] = MappingProxyType({entry.name: entry for entry in _IN_ORDER})
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
