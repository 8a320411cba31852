"""Training of the full networks by the preset `train_paper`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from animeinterp.configs.errors import ConfigError, DataError, WeightsError
from animeinterp.configs.loading import load_config
from animeinterp.models.weights.files import read_header
from animeinterp.models.weights.loading import load_rfr, load_synthesis
from animeinterp.models.weights.records import SHIPPED
from animeinterp.pipeline.training.batches import Batches
from animeinterp.pipeline.training.checkpoints import BEST, CHECKPOINT, LAST, Log
from animeinterp.pipeline.training.learner import Learner
from animeinterp.pipeline.training.loop import train
from animeinterp.pipeline.training.networks import save
from animeinterp.pipeline.training.plan import Plan, make_plan
from tests.pipeline.small_runs import Opener, Runner, small_settings
from tests.pipeline.training.tiny_plans import MakePlan

TINY: dict[str, Any] = {"batch": 1, "iterations": 1, "threads": 1, "flow__steps": 1}
RELEASED = (
    "refinement.confidence_mask=false",
    "refinement.initial_flow_additions=2",
    "synthesis.splatting=average",
)


def full_plan(plan_of: MakePlan, *others: str, **settings: Any) -> Plan:
    return plan_of("train_paper", *others, **(TINY | settings))


def losses(folder: Path) -> list[float]:
    return [entry["loss"] for entry in Log(folder).entries() if entry["kind"] == "steps"]


@pytest.mark.slow
def test_all_phases_resume_with_the_same_losses(plan_of: MakePlan, sets: Path) -> None:
    settings = {"synthesis__steps": 1, "joint__steps": 1, "validation_scenes": sets / "validation"}
    plan = full_plan(plan_of, **settings, validation_count=1, pictured_scenes=1)
    assert train(plan) == 3
    expected = losses(plan.folder)
    assert len(expected) == 3
    whole = load_rfr(plan.folder / LAST).state_dict()
    shutil.rmtree(plan.folder)
    for step in (1, 2, 3):
        assert train(plan, minutes=1e-9) == step
    assert losses(plan.folder) == expected
    for name, value in load_rfr(plan.folder / LAST).state_dict().items():
        assert torch.equal(value, whole[name]), name
    validations = [entry for entry in Log(plan.folder).entries() if entry["kind"] == "validation"]
    assert all(entry["error"] > 0 and entry["psnr"] > 0 for entry in validations)


@pytest.mark.parametrize(("others", "variant"), [((), "paper"), (RELEASED, "released")])
def test_a_phase_changes_its_network_and_the_file_says_which(
    others: tuple[str, ...], variant: str, plan_of: MakePlan
) -> None:
    plan = full_plan(plan_of, *others, flow__rate=1e-3)
    before = plan.networks()
    train(plan)
    assert read_header(plan.folder / LAST)["variant"] == variant
    assert read_header(plan.folder / LAST)["training"] == plan.fingerprint
    after = load_rfr(plan.folder / LAST), load_synthesis(plan.folder / LAST)
    changed = [
        {name for name, value in new.state_dict().items() if not torch.equal(value, old.state_dict()[name])}
        for old, new in zip((before.refinement, before.synthesis), after, strict=True)
    ]
    assert {"fnet.conv1.weight", "update_block.flow_head.conv2.weight"} <= changed[0]
    assert not changed[1]


def test_confidence_learns_where_there_are_initial_flows(plan_of: MakePlan) -> None:
    plan = full_plan(plan_of, zero_starts=0.0, flow__rate=1e-3, flow__warm_up=0.0, flow__weight_decay=0.0)
    learner = Learner(plan.networks(), plan.section, plan.device)
    before = learner.networks.refinement.state_dict()["attention2.conv3.weight"].clone()
    learner.learn(Batches(plan.starts, plan.section).batch(0))
    assert not torch.equal(learner.networks.refinement.state_dict()["attention2.conv3.weight"], before)


@pytest.mark.slow
def test_trained_weights_draw_frames_in_the_pipeline(plan_of: MakePlan, run: Runner, tmp_path: Path) -> None:
    plan = full_plan(plan_of)
    train(plan)
    weights = [f"{stage}.weights='{plan.folder / BEST}'" for stage in ("refinement", "synthesis")]
    report = run(*weights, "refinement.iterations=1", f"store.results='{tmp_path / 'frames'}'", limit=1)
    assert report.succeeded
    assert report.frames_written == 1


def test_their_variant_is_checked_by_the_pipeline(plan_of: MakePlan, open_session: Opener) -> None:
    plan = full_plan(plan_of, *RELEASED)
    train(plan)
    with pytest.raises(WeightsError, match=r"variant 'released', trained with refinement\.confidence_mask"):
        open_session(f"refinement.weights='{plan.folder / LAST}'")


def test_they_learn_from_the_cache(cartoons: Path, finished_cache: Path) -> None:
    words = {"networks": "full", "source": "cache", "crop": 32, "batch": 1, "iterations": 1, "log_steps": 1}
    words |= {"flow.steps": 0, "synthesis.steps": 0, "joint.steps": 2, "joint.rate": 1e-3}
    settings = small_settings(cartoons, finished_cache)
    plan = make_plan(
        load_config("demo", [*settings, *(f"training.{key}={value}" for key, value in words.items())])
    )
    assert train(plan) == 2
    assert np.isfinite(losses(plan.folder)).all()


def test_bad_input_is_told(plan_of: MakePlan, tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"light networks, expected RFR and GridNet; set training\.networks"
    ):
        full_plan(plan_of, weights=SHIPPED).networks()
    with pytest.raises(DataError, match=r"frames are 40x48, and training\.crop = 64 is larger"):
        full_plan(plan_of, crop=64)
    with pytest.raises(ConfigError, match="this phase needs true flows"):
        full_plan(plan_of, source="cache")
    plan = full_plan(plan_of)
    train(plan)
    with pytest.raises(WeightsError, match=r"expected light networks"):
        plan_of(weights=plan.folder / LAST).networks()
    with pytest.raises(
        WeightsError, match=r"trained with refinement\.confidence_mask = True, and the config"
    ):
        full_plan(plan_of, *RELEASED, weights=plan.folder / LAST).networks()
    other = full_plan(plan_of, "synthesis.softmax_alpha=-10")
    assert other.fingerprint != plan.fingerprint
    other.folder.mkdir()
    shutil.copy(plan.folder / CHECKPOINT, other.folder)
    with pytest.raises(ConfigError, match=r"full\.alpha was -20\.0 and is -10\.0"):
        train(other)


def test_weights_that_are_not_finite_are_not_written(plan_of: MakePlan) -> None:
    plan = full_plan(plan_of)
    networks = plan.networks()
    with torch.no_grad():
        next(networks.synthesis.parameters())[:] = torch.nan
    with pytest.raises(WeightsError, match="values that are not finite; nothing was written"):
        save(plan.folder / LAST, networks, plan.origin(0))
    assert not (plan.folder / LAST).exists()
