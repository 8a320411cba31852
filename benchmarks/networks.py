"""Refinement and synthesis: operations, the stages beside their bare convolutions, bfloat16, peak memory.

On two cores where there are two, with random weights: times and memory do not depend on the values.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from animeinterp.configs.sections import SynthesisSection
from animeinterp.models.rfr import RFR
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.stages.pair_batch import RefinedPair
from animeinterp.stages.refinement import CoarsePair, refine
from animeinterp.stages.synthesis import synthesise
from benchmarks.measuring import Pair, bare_convolutions, compare, load_pairs

CORES = 2
BLOCKS = {
    "refinement": ("fnet", "update_block.encoder", "update_block.gru", "update_block.flow_head"),
    "synthesis": ("FeatureExtractor", "GridNet"),
}
SECTION = SynthesisSection()


def main(pairs: list[Pair]) -> None:
    torch.set_num_threads(CORES)
    for stage in ("refinement", "synthesis"):
        _print_seconds(stage, pairs[0])
        _print_memory(stage)
    torch.set_num_threads(1)


def _print_seconds(stage: str, pair: Pair) -> None:
    exact, rough = random_network(stage), random_network(stage).set_precision(torch.bfloat16)
    given = moving_pair(pair)
    with FlopCounterMode(display=False) as counter:
        _run(stage, given, exact)
    counts = {name: sum(found.values()) / 2e9 for name, found in counter.get_flop_counts().items()}
    total = counts["Global"]
    seconds = compare(
        {
            "bare convolutions": bare_convolutions(lambda: _run(stage, given, exact)),
            "stage": lambda: _run(stage, given, exact),
            "bare convolutions, bfloat16": bare_convolutions(lambda: _run(stage, given, rough)),
            "stage, bfloat16": lambda: _run(stage, given, rough),
        }
    )
    print(f"{stage}, {pair.size}, {total:.0f} G multiply-adds in convolutions")
    for block in BLOCKS[stage]:
        count = next(count for name, count in counts.items() if name.endswith(block))
        print(f"  {block:24} {count:6.1f} G")
    for name, value in seconds.items():
        bare = seconds["bare convolutions, bfloat16" if "bfloat16" in name else "bare convolutions"]
        print(f"{name:28} {value:6.2f} s, {value / bare:.2f} x, {total / value:4.0f} G a second")


def _print_memory(stage: str) -> None:
    for size in ("540x960", "1080x1920", "2160x3840"):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.networks", stage, size],
            capture_output=True,
            text=True,
            check=True,
        )
        print(f"{stage}, {size}: peak {int(done.stdout) / 1e6:.2f} GB")


def random_network(stage: str) -> RFR | SynthesisNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = RFR() if stage == "refinement" else SynthesisNetwork()
    return network.eval().requires_grad_(False)


def _run(stage: str, given: CoarsePair | RefinedPair, network: nn.Module) -> object:
    if stage == "refinement":
        return refine(*given, network)
    return synthesise(*given[:4], (0.5,), network, SECTION)


def moving_pair(pair: Pair) -> CoarsePair:
    """The pair with smooth flows of some tens of pixels."""
    size = pair.frame0.shape[:2]
    generator = np.random.default_rng(0)
    flows = []
    for _ in range(2):
        coarse = generator.normal(0, 20, (9, 16, 2)).astype(np.float32)
        flows.append(np.ascontiguousarray(cv2.resize(coarse, size[::-1]).transpose(2, 0, 1)))
    return CoarsePair(pair.frame0, pair.frame1, *flows)


def _report_memory(stage: str, size: str) -> None:
    height, width = (int(side) for side in size.split("x"))
    pair = load_pairs(None)[0]
    frames = (cv2.resize(frame, (width, height)) for frame in (pair.frame0, pair.frame1))
    torch.set_num_threads(CORES)
    _run(stage, moving_pair(Pair("drawn", *frames)), random_network(stage))
    status = Path("/proc/self/status").read_text()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


if __name__ == "__main__":
    _report_memory(*sys.argv[1:])
