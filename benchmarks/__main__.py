"""Run every benchmark: `python -m benchmarks [name ...] [--frames FOLDER]`."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from animeinterp.pipeline.compute.warm_up import prepare_process
from benchmarks.measuring import load_pairs

NAMES = (
    "segmentation",
    "features",
    "matching",
    "coarse_flow",
    "networks",
    "networks_on_gpu",
    "worst_cases",
    "growth",
    "stages",
    "whole_runs",
    "scale",
    "cluster",
    "space",
    "episode",
    "clip_changes",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument(
        "--frames", type=Path, help="folder of folders of frames, measured on beside the drawn pair"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    prepare_process(1)
    pairs = load_pairs(arguments.frames)
    for name in arguments.names or NAMES:
        print(f"## {name}")
        importlib.import_module(f"benchmarks.{name}").main(pairs)


if __name__ == "__main__":
    main()
