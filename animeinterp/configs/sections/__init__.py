"""The settings: one frozen section per stage, plus data, clips, store and executor.

Each field's docstring gives its unit, range and effect. Defaults are the paper's
(Li et al., CVPR 2021, arXiv 2104.02495) where the paper and the released program differ.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from animeinterp.configs.sections.clip import ClipSection, read_rate
from animeinterp.configs.sections.coarse_flow import CoarseFlowSection
from animeinterp.configs.sections.data import DataSection
from animeinterp.configs.sections.evaluation import EvaluationSection
from animeinterp.configs.sections.executor import LEAST_MEMORY_GB, ExecutorSection
from animeinterp.configs.sections.features import (
    CONVOLUTIONS_PER_BLOCK,
    PAPER_LAYERS,
    RELEASED_LAYERS,
    FeaturesSection,
)
from animeinterp.configs.sections.matching import MatchingSection
from animeinterp.configs.sections.refinement import RefinementSection
from animeinterp.configs.sections.section import (
    MethodSection,
    NetworkSection,
    Precision,
    Section,
    Style,
    check_times,
)
from animeinterp.configs.sections.segmentation import ContourPreset, DisneyContourPreset, SegmentationSection
from animeinterp.configs.sections.store import StoreSection
from animeinterp.configs.sections.synthesis import SynthesisSection
from animeinterp.configs.sections.training import PhaseSection, TrainingSection
from animeinterp.configs.sections.weights import WeightsSection

__all__ = [
    "CONVOLUTIONS_PER_BLOCK",
    "LEAST_MEMORY_GB",
    "PAPER_LAYERS",
    "RELEASED_LAYERS",
    "ClipSection",
    "CoarseFlowSection",
    "Config",
    "ContourPreset",
    "DataSection",
    "DisneyContourPreset",
    "EvaluationSection",
    "ExecutorSection",
    "FeaturesSection",
    "MatchingSection",
    "MethodSection",
    "NetworkSection",
    "PhaseSection",
    "Precision",
    "RefinementSection",
    "Section",
    "SegmentationSection",
    "StoreSection",
    "Style",
    "SynthesisSection",
    "TrainingSection",
    "WeightsSection",
    "check_times",
    "read_rate",
]


class Config(Section):
    """All settings of a run."""

    data: DataSection = DataSection()
    segmentation: SegmentationSection = SegmentationSection()
    features: FeaturesSection = FeaturesSection()
    matching: MatchingSection = MatchingSection()
    coarse_flow: CoarseFlowSection = CoarseFlowSection()
    refinement: RefinementSection = RefinementSection()
    synthesis: SynthesisSection = SynthesisSection()
    evaluation: EvaluationSection = EvaluationSection()
    clip: ClipSection = ClipSection()
    training: TrainingSection = TrainingSection()
    weights: WeightsSection = WeightsSection()
    store: StoreSection = StoreSection()
    executor: ExecutorSection = ExecutorSection()

    @model_validator(mode="after")
    def _light_networks_work_together(self) -> Self:
        """Decide what `auto` is: each of them is trained to go with the other, on visible values."""
        both: dict[str, NetworkSection] = {"refinement": self.refinement, "synthesis": self.synthesis}
        light = {name for name, section in both.items() if section.chosen_method == section.light_method}
        if len(light) < len(both) or self.synthesis.dtype == "linear":
            for name in light:
                section = both[name]
                if section.method == "auto" and section.weights is None:
                    chosen = section.model_copy(update={"method": section.classical_method})
                    self.__dict__[name] = chosen  # a config is frozen only once it is made
        return self

    @model_validator(mode="after")
    def _methods_have_weights(self) -> Self:
        for name, section in self:
            if (
                isinstance(section, NetworkSection)
                and section.needs_weights
                and section.method == section.network_method
                and section.weights is None
            ):
                raise ValueError(
                    f"{name}.method = {section.method!r} needs {name}.weights, which is not set; "
                    f"give a checkpoint or choose {name}.method = {section.plain_method!r}"
                )
        return self

    @model_validator(mode="after")
    def _device_computes_in_it(self) -> Self:
        for name, section in self:
            if getattr(section, "precision", None) == "float16" and self.executor.device == "cpu":
                raise ValueError(
                    f"{name}.precision = 'float16' needs executor.device = 'cuda', which is 'cpu'; "
                    "choose 'bfloat16' or 'float32'"
                )
        return self
