"""Refinement and synthesis on a GPU: pairs a second, memory, and how near they come to the card's limit.

Times hold the copies to the card and back. The limit is the rate of large matrix products in the same
precision.
"""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from animeinterp.stages.pair_batch import RefinedPair
from animeinterp.stages.refinement import refine_together
from animeinterp.stages.synthesis import synthesise_together
from benchmarks.measuring import Pair, compare
from benchmarks.networks import SECTION, moving_pair, random_network

BATCHES = (1, 4, 16)
PRECISIONS = (torch.float32, torch.bfloat16, torch.float16)
SIDE = 8192  # of the matrices multiplied


def main(pairs: list[Pair]) -> None:
    if not torch.cuda.is_available():
        print("no CUDA device: nothing measured")
        return
    properties = torch.cuda.get_device_properties(0)
    print(f"{properties.name}, {properties.total_memory / 1e9:.0f} GB, {pairs[0].size}")
    for precision in PRECISIONS:
        _print_rates(pairs[0], precision, "cuda")


def _print_rates(pair: Pair, precision: torch.dtype, device: str) -> None:
    limit = _multiply_adds_a_second(precision, device)
    for batch in BATCHES:
        total = 0.0
        for stage in ("refinement", "synthesis"):
            seconds, count, memory = _measure(stage, pair, precision, batch, device)
            total += seconds
            print(
                f"{stage}, {str(precision).removeprefix('torch.')}, {batch} at once: "
                f"{batch / seconds:.1f} pairs a second, {memory / 1e9:.1f} GB, "
                f"{count / seconds / limit:.0%} of the rate of matrix products"
            )
        print(f"  both: {batch / total:.1f} pairs a second")


def _measure(
    stage: str, pair: Pair, precision: torch.dtype, batch: int, device: str
) -> tuple[float, float, int]:
    """Seconds for a batch, multiply-adds of its convolutions, peak bytes."""
    network = random_network(stage).set_precision(precision).to(device)
    coarse = moving_pair(pair)
    work = {
        "refinement": lambda: refine_together([coarse] * batch, network, device),
        "synthesis": lambda: synthesise_together(
            [RefinedPair(*coarse)] * batch, (0.5,), network, SECTION, device
        ),
    }[stage]
    with FlopCounterMode(display=False) as counter:
        work()  # compiles, chooses convolutions, fills the allocator
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = compare({stage: work})[stage]
    memory = torch.cuda.max_memory_allocated() if device == "cuda" else 0
    return seconds, counter.get_total_flops() / 2, memory


def _multiply_adds_a_second(precision: torch.dtype, device: str) -> float:
    side = SIDE if device == "cuda" else SIDE // 8
    matrix = torch.rand(side, side, device=device).to(precision)

    def multiply() -> None:
        (matrix @ matrix)[0, 0].item()  # waits for the card

    multiply()
    return side**3 / compare({"product": multiply})["product"]
