from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from animeinterp.data.cartoon import write_dataset
from animeinterp.models.rfr import RFR
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.pipeline.pages.inspect.page_data import page_data
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages.working_size import resize_labels
from tests.pipeline.small_runs import Opener, Runner

LARGE = (144, 256)


@pytest.fixture(scope="module")
def large_cartoons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("large")
    write_dataset(root, 1, seed=3, size=LARGE)
    return root


def arrays(session: Session, stage: str) -> dict[str, Array]:
    location = session.current.locate(stage, 0)
    assert location is not None
    assert location.record.status == "ok", location.record.reason
    return location.read()


def test_large_frames_are_matched_at_a_working_height(
    large_cartoons: Path, run: Runner, open_session: Opener
) -> None:
    root = f"data.root='{large_cartoons}'"
    small = [root, "segmentation.height=72"]
    assert run(*small).succeeded
    session, whole = open_session(*small), open_session(root)
    assert session.fingerprints["segmentation"] != whole.fingerprints["segmentation"]
    labels = arrays(session, "segmentation")["label_map"]
    assert labels.shape == LARGE
    blocks = resize_labels(resize_labels(labels, (72, 128)), LARGE)
    np.testing.assert_array_equal(blocks, labels)
    flow = arrays(session, "coarse_flow")["coarse_flow01"]
    assert flow.shape == (2, *LARGE)
    assert arrays(session, "synthesis")["frames"].shape == (1, *LARGE, 3)
    page = page_data(PairResults(session, session.manifest.pairs[0].id))
    table = page["pieces"][0]
    assert sum(table["area"]) == LARGE[0] * LARGE[1]
    assert table["limits"]["largest"] == pytest.approx(0.12 * 72 * 128)


def test_a_height_that_the_frames_do_not_reach_changes_nothing(
    large_cartoons: Path, run: Runner, open_session: Opener
) -> None:
    root = f"data.root='{large_cartoons}'"
    high = [root, "segmentation.height=144"]
    run(root), run(*high)
    outputs = [
        [session.current.record(stage, 0).output for stage in session.stages]  # type: ignore[union-attr]
        for session in (open_session(root), open_session(*high))
    ]
    assert outputs[0] == outputs[1]


def test_networks_work_at_a_chosen_height(
    large_cartoons: Path, run: Runner, open_session: Opener, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    torch.save(RFR().state_dict(), tmp_path / "rfr.pth")
    torch.save(SynthesisNetwork().state_dict(), tmp_path / "gridnet.pth")
    settings = [
        f"data.root='{large_cartoons}'",
        f"refinement.weights='{tmp_path / 'rfr.pth'}'",
        f"synthesis.weights='{tmp_path / 'gridnet.pth'}'",
        "refinement.iterations=1",
        "refinement.height=72",
        "synthesis.height=72",
    ]
    assert run(*settings).succeeded
    session = open_session(*settings)
    assert arrays(session, "refinement")["refined_flow01"].shape == (2, *LARGE)
    assert arrays(session, "synthesis")["frames"].shape == (1, *LARGE, 3)


@pytest.mark.parametrize("coarse", ["sgm", "zero"])
def test_inverse_search_works_at_a_chosen_height(
    coarse: str, large_cartoons: Path, run: Runner, open_session: Opener
) -> None:
    """At half of the size the flow is nearly that of the whole, with pieces and without."""
    settings = [
        f"data.root='{large_cartoons}'",
        f"coarse_flow.method={coarse}",
        "refinement.method=inverse_search",
    ]
    small = [*settings, "refinement.height=72"]
    assert run(*settings).succeeded
    assert run(*small).succeeded
    whole, half = (
        arrays(open_session(*chosen), "refinement")["refined_flow01"] for chosen in (settings, small)
    )
    assert half.shape == whole.shape == (2, *LARGE)
    assert not np.array_equal(whole, half)
    assert np.median(np.hypot(*(whole - half))) < 1  # half a pixel of the smaller frame
