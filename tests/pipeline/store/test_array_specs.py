from __future__ import annotations

import numpy as np
import pytest

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.store.array_specs import ARRAY_SPECS, check_item


def test_every_stage_has_variables_with_names_of_their_own() -> None:
    assert list(ARRAY_SPECS) == list(STAGES)
    names = [variable.name for variables in ARRAY_SPECS.values() for variable in variables]
    assert len(names) == len(set(names))


def test_check_item_names_what_is_wrong() -> None:
    flow = np.zeros((2, 4, 5), np.float32)
    check_item("refinement", {"refined_flow01": flow, "refined_flow10": flow})
    with pytest.raises(
        ValueError, match=r"arrays \['refined_flow01'\]; expected \['refined_flow01', 'refined_"
    ):
        check_item("refinement", {"refined_flow01": flow})
    importance = np.zeros((4, 5), np.float16)
    check_item("refinement", {"refined_flow01": flow, "refined_flow10": flow, "importance01": importance})
    with pytest.raises(ValueError, match="importance01: float32 array"):
        check_item("refinement", {"refined_flow01": flow, "refined_flow10": flow, "importance01": flow[0]})
    with pytest.raises(ValueError, match="refined_flow10: float64 array"):
        check_item("refinement", {"refined_flow01": flow, "refined_flow10": flow.astype(np.float64)})
    with pytest.raises(ValueError, match=r"refined_flow10: float32 array of shape \(4, 5\)"):
        check_item("refinement", {"refined_flow01": flow, "refined_flow10": flow[0]})
