from __future__ import annotations

import pytest
import torch

from animeinterp.models.weights.light import new_networks
from animeinterp.pipeline.training.learner import Learner
from animeinterp.pipeline.training.starts import Starts
from animeinterp.pipeline.training.validation import validate
from tests.pipeline.training.tiny_plans import MakePlan, OneScene


def test_means_over_scenes_whatever_the_threads(plan_of: MakePlan) -> None:
    plan = plan_of()
    networks = new_networks(0, 1)
    for network in networks:
        network.eval()
    with torch.no_grad():  # no change of the flow
        networks.refinement.update_block.flow_head.conv2.weight.zero_()
        networks.refinement.update_block.flow_head.conv2.bias.zero_()
    autocast = Learner(networks, plan.section, plan.device).autocast
    one, two = (
        validate(networks, plan.starts, count, autocast, plan.device, threads=count) for count in (1, 2)
    )
    second = validate(
        networks,
        Starts(OneScene(plan.scenes, 1), None),
        9,
        autocast,
        plan.device,
    )
    for name, value in two.items():
        assert value == pytest.approx((one[name] + second[name]) / 2, rel=1e-4), name
    assert two["error"] == pytest.approx(two["start_error"], rel=0.3)
    assert two["visible"] > 0
    assert two["visible"] != two["error"]
