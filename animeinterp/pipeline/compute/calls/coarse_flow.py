"""How workers call the coarse flow."""

from __future__ import annotations

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import Config
from animeinterp.data.sgm_folders import read_flow
from animeinterp.pipeline.compute.calls.matching import matching_of
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.working_sizes import matched_frame, matched_pieces, size_of
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages import coarse_flow, imported_flow
from animeinterp.stages.working_size import resize_flow


def flow_of_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """Coarse flows from the matches of pieces."""
    frame0, frame1 = item.frame(0), item.frame(1)
    result = coarse_flow.generate_coarse_flow(
        matched_frame(frame0, config),
        matched_frame(frame1, config),
        matched_pieces(item, 0, config),
        matched_pieces(item, 1, config),
        matching_of(item.read("matching")),
        config.coarse_flow,
    )
    flow01, flow10 = (resize_flow(flow, size_of(frame0)) for flow in (result.flow01, result.flow10))
    return _arrays(coarse_flow.CoarseFlow(flow01, flow10, result.fate01, result.fate10))


def zero_flow_of_pair(item: ItemSource, config: Config) -> dict[str, Array]:  # noqa: ARG001 - a Compute
    """Coarse flows that are 0 everywhere."""
    return _arrays(coarse_flow.zero_coarse_flow(item.size()))


def imported_flow_of_pair(item: ItemSource, config: Config) -> dict[str, Array]:  # noqa: ARG001 - a Compute
    """Coarse flows made elsewhere."""
    first, second = item.flows
    try:
        result = imported_flow.import_coarse_flow(
            read_flow(first), read_flow(second), item.size(), (str(first), str(second))
        )
    except ValueError as error:
        raise DataError(str(error)) from None
    return _arrays(result)


def _arrays(result: coarse_flow.CoarseFlow) -> dict[str, Array]:
    return {
        "coarse_flow01": result.flow01,
        "coarse_flow10": result.flow10,
        "fate01": result.fate01,
        "fate10": result.fate10,
    }
