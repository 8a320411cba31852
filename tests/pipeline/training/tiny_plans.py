"""Plans of tiny trainings."""

from __future__ import annotations

from collections.abc import Callable

from animeinterp.pipeline.training.plan import Plan

MakePlan = Callable[..., Plan]
