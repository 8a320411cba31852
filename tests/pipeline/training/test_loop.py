from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from animeinterp.configs.errors import CacheError, ConfigError, TrainingError
from animeinterp.models.weights.files import read_header
from animeinterp.models.weights.light import load_light
from animeinterp.pipeline.training import learner as learner_module
from animeinterp.pipeline.training.batches import Batches
from animeinterp.pipeline.training.checkpoints import BEST, CHECKPOINT, LAST, Log, own_folder
from animeinterp.pipeline.training.learner import Learner, computing_dtype
from animeinterp.pipeline.training.loop import train
from animeinterp.pipeline.training.starts import Starts
from tests.pipeline.training.tiny_plans import MakePlan, OneScene


class KilledError(BaseException):
    """Nothing is cleaned up after it, as after a kill."""


def stop_at(step: int, stop: type[BaseException]) -> Callable[[Mapping[str, Any]], None]:
    def report(entry: Mapping[str, Any]) -> None:
        if entry["step"] == step:
            raise stop

    return report


def losses(folder: Path) -> list[float]:
    return [entry["loss"] for entry in Log(folder).entries() if entry["kind"] == "steps"]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = load_light(folder / LAST).refinement.state_dict()
    return state


@pytest.mark.slow
@pytest.mark.parametrize("stop", [KilledError, KeyboardInterrupt])
def test_a_training_that_was_ended_goes_on_as_if_it_had_not(
    stop: type[BaseException], plan_of: MakePlan
) -> None:
    steps = {"flow__steps": 4, "joint__steps": 2}  # one end falls into either phase
    plan = plan_of(**steps)
    assert train(plan) == 6
    expected, trained = losses(plan.folder), weights(plan.folder)
    assert len(expected) == 6
    shutil.rmtree(plan.folder)
    for step in (4, 6):
        with pytest.raises(stop):
            train(plan_of(**steps), report=stop_at(step, stop))
    assert train(plan_of(**steps)) == 6
    assert losses(plan.folder) == expected
    for name, value in weights(plan.folder).items():
        assert torch.equal(value, trained[name]), name


def test_minutes_end_it_with_a_checkpoint(plan_of: MakePlan) -> None:
    plan = plan_of(checkpoint_minutes=1e6)
    assert train(plan, minutes=1e-9) == 1
    assert train(plan, minutes=1e-9) == 2
    assert train(plan) == 6
    assert train(plan) == 6
    assert len(losses(plan.folder)) == 6


@pytest.mark.slow
def test_loss_falls_on_one_scene(plan_of: MakePlan) -> None:
    plan = plan_of(
        flow__steps=30, flow__rate=1e-3, mirror=False, rotate=False, swap=False, recolour=0, zero_starts=1
    )
    batches = Batches(Starts(OneScene(plan.scenes), None), plan.section)
    learner = Learner(plan.networks(), plan.section, plan.device, threads=2)
    found = [learner.learn(batches.batch(step))["loss"] for step in range(30)]
    assert sum(found[-5:]) < 0.7 * sum(found[:5])


def test_all_phases_with_validation(plan_of: MakePlan, sets: Path) -> None:
    plan = plan_of(
        validation_scenes=sets / "validation", flow__steps=2, synthesis__steps=2, joint__steps=2, average=0.5
    )
    told: list[Mapping[str, Any]] = []
    train(plan, report=told.append)
    entries = Log(plan.folder).entries()
    assert entries == told
    assert [e["phase"] for e in entries if e["kind"] == "validation"] == ["flow", "synthesis", "joint"]
    flow, synthesis, joint = (entry for entry in entries if entry["kind"] == "validation")
    assert flow["best"]
    assert synthesis["best"]  # in another way than the phase before it
    assert joint["best"] == (joint["frame"] < synthesis["frame"])
    assert flow["start_error"] == joint["start_error"] > 0
    assert 5 < joint["psnr"] < 60
    for name, step in ((BEST, 6 if joint["best"] else 4), (LAST, 6)):
        origin = read_header(plan.folder / name)
        assert origin["training"] == plan.fingerprint
        assert origin["step"] == step
        assert plan.scenes.digest in origin["data"]
        assert origin["licence"] == "MIT"
    resolved = json.loads((plan.folder / "training.json").read_text())
    assert resolved["training"]["crop"] == 32


def test_only_what_learns_changes_in_the_second_phase(plan_of: MakePlan) -> None:
    plan = plan_of(flow__steps=0, synthesis__steps=3, average=0)
    train(plan)
    before, after = plan.networks(), load_light(plan.folder / LAST)
    changed = {
        name.split(".")[0]
        for name, value in before.refinement.state_dict().items()
        if not torch.equal(value.half().float(), after.refinement.state_dict()[name])
    }
    assert changed == {"importance"}
    assert after.synthesis.synnet.residual_model_tail[-1].weight.any()


def test_starts_from_given_weights(plan_of: MakePlan) -> None:
    first = plan_of(flow__steps=1)
    train(first)
    second = plan_of(flow__steps=1, weights=first.folder / LAST)
    assert second.fingerprint != first.fingerprint
    given = load_light(first.folder / LAST).refinement.state_dict()
    assert all(torch.equal(v, given[name]) for name, v in second.networks().refinement.state_dict().items())
    assert train(second) == 1


def test_places_and_times_are_not_in_the_fingerprint(plan_of: MakePlan, sets: Path) -> None:
    fingerprints = {
        plan_of(**settings).fingerprint
        for settings in (
            {},
            {"threads": 1},
            {"checkpoint_minutes": 3},
            {"validation_scenes": sets / "validation"},
        )
    }
    assert len(fingerprints) == 1
    assert plan_of(gamma=0.9).fingerprint not in fingerprints


def test_a_loss_that_is_no_number_stops_and_keeps(plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, real = plan_of(threads=1), learner_module.flow_loss
    count = iter(range(10))

    def failing(*arguments: Any, **settings: Any) -> torch.Tensor:
        return real(*arguments, **settings) * (float("nan") if next(count) == 3 else 1)

    monkeypatch.setattr(learner_module, "flow_loss", failing)
    with pytest.raises(
        TrainingError, match=r"step 3, phase flow: the loss is not finite.*scenes \[.*last good"
    ):
        train(plan)
    assert read_header(plan.folder / LAST)["step"] == 3
    assert all(value.isfinite().all() for value in weights(plan.folder).values())
    monkeypatch.undo()
    assert train(plan) == 6


@pytest.mark.slow
def test_gradients_that_are_no_numbers_change_nothing_and_give_up(
    plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, real = plan_of(flow__steps=30, threads=1), learner_module.flow_loss

    def failing(flows: list[torch.Tensor], *arguments: Any, **settings: Any) -> torch.Tensor:
        loss = real(flows, *arguments, **settings)
        return loss + 0 * (flows[-1] - flows[-1].detach()).square().sum().sqrt()  # infinite slope at 0

    monkeypatch.setattr(learner_module, "flow_loss", failing)
    with pytest.raises(TrainingError, match="gradients of 11 steps in a row"):
        train(plan)
    for name, value in plan.networks().refinement.state_dict().items():
        assert torch.equal(value.half().float(), weights(plan.folder)[name])


def test_refuses_the_checkpoint_of_another_training(plan_of: MakePlan) -> None:
    one, other = plan_of(flow__steps=1), plan_of(flow__steps=1, seed=1)
    train(one)
    other.folder.mkdir()
    shutil.copy(one.folder / CHECKPOINT, other.folder)
    with pytest.raises(ConfigError, match=r"training\.seed was 0 and is 1"):
        train(other)


def test_refuses_a_damaged_checkpoint(plan_of: MakePlan) -> None:
    plan = plan_of(flow__steps=1)
    train(plan)
    content = (plan.folder / CHECKPOINT).read_bytes()
    (plan.folder / CHECKPOINT).write_bytes(content[: len(content) // 2])
    with pytest.raises(CacheError, match="damaged.*remove it to restart"):
        train(plan)


def test_a_full_disk_loses_nothing(plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of()
    train(plan, minutes=1e-9)
    before = (plan.folder / CHECKPOINT).read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheError, match=r"cannot be written \(No space left"):
        train(plan)
    monkeypatch.undo()
    assert (plan.folder / CHECKPOINT).read_bytes() == before
    assert not list(plan.folder.glob("wip-*"))
    assert train(plan) == 6


def full(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_two_trainings_do_not_share_a_folder(plan_of: MakePlan) -> None:
    plan = plan_of()
    with own_folder(plan.folder), pytest.raises(CacheError, match="another process is training there"):
        train(plan)


def test_a_torn_log_is_cut(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for step in range(3):
        log.add({"step": step})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    log.cut(1)
    assert log.entries() == [{"step": 0}, {"step": 1}]


def test_precision_of_this_processor() -> None:
    assert computing_dtype("float32", torch.device("cpu")) == torch.float32
    assert computing_dtype("bfloat16", torch.device("cpu")) == torch.bfloat16
    assert computing_dtype("auto", torch.device("cpu")) in (torch.float32, torch.bfloat16)
