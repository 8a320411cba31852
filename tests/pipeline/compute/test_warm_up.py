from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.project import ROOT

# In a process of its own: this one's kernels have seen the other tests.
WORK = """
import sys

from numba.core.dispatcher import Dispatcher

from animeinterp.configs.loading import load_config
from animeinterp.data.cartoon import draw_triplet
from animeinterp.models.rfr import RFR
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.models.vgg19 import random_vgg19
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.compute.warm_up import warm_up
from animeinterp.stages.coarse_flow import generate_coarse_flow
from animeinterp.stages.features import describe_pieces
from animeinterp.stages.matching import match_pieces
from animeinterp.stages.refinement import refine
from animeinterp.stages.segmentation import segment
from animeinterp.stages.synthesis import synthesise


def compiled():
    return {
        (module.__name__, name): len(kernel.signatures)
        for module in list(sys.modules.values())
        if module.__name__.startswith(("animeinterp.stages.", "animeinterp.models."))
        for name, kernel in vars(module).items() if isinstance(kernel, Dispatcher)
    }


config = load_config("paper")
before = compiled()
warm_up()
after = compiled()
working = [name for name in sys.modules if name.startswith("animeinterp.pipeline.compute.calls.")]
assert len(working) == len(STAGES)
assert not any(before.values())
network = random_vgg19(config.features.layers, 0)
triplet = draw_triplet(1, style="Japan", size=(96, 144))
frames = triplet.frame0, triplet.frame1
pieces = [segment(frame, config.segmentation.anime) for frame in frames]
features = [describe_pieces(f, p.label_map, p.count, network) for f, p in zip(frames, pieces)]
matching = match_pieces(*features, *pieces, config.matching)
flow = generate_coarse_flow(*frames, *pieces, matching, config.coarse_flow)
assert flow.flow01.any()
refined = refine(*frames, flow.flow01, flow.flow10, RFR(iterations=1).requires_grad_(False))
for network in (None, SynthesisNetwork().requires_grad_(False)):
    synthesise(*frames, *refined, (0.5,), network, config.synthesis)
changed = {name for name, count in compiled().items() if count != after[name]}
assert not changed, f"compiled only when used: {changed}"
print(sum(after.values()))
"""


@pytest.mark.slow
def test_real_work_compiles_nothing_more():
    done = subprocess.run(
        [sys.executable, "-c", WORK], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 10
