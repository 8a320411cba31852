"""Plans of tiny trainings."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.training.plan import Plan

MakePlan = Callable[..., Plan]
