"""The mean of light networks that were trained on from the same weights, written as one file.

`python -m benchmarks.mean_weights OUT WEIGHTS WEIGHTS ...`: each parameter is the mean of theirs.

References
----------
M. Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time", ICML 2022. arXiv:2203.05482
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from animeinterp.models.weights.files import read_header
from animeinterp.models.weights.light import LightNetworks, Origin, load_light, save_light


def mean_of(networks: Sequence[LightNetworks]) -> LightNetworks:
    """Their mean, in the first of them."""
    for parts in zip(*networks, strict=True):
        for values in zip(*(part.state_dict().values() for part in parts), strict=True):
            values[0].copy_(torch.stack(values).mean(dim=0))
    return networks[0]


def origin_of(paths: Sequence[Path]) -> Origin:
    """What the headers say, joined where they differ; the seed of the first, the steps of the last."""
    headers = [read_header(path) for path in paths]
    data, licence, commit, training = (
        ", ".join(dict.fromkeys(header[key] for header in headers if header[key]))
        for key in ("data", "licence", "commit", "training")
    )
    return Origin(data, licence, headers[0]["seed"], commit, training, headers[-1]["step"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mean_weights")
    parser.add_argument("output", type=Path, metavar="OUT")
    parser.add_argument("weights", nargs="+", type=Path, metavar="WEIGHTS")
    arguments = parser.parse_args()
    networks = [load_light(path) for path in arguments.weights]
    save_light(arguments.output, mean_of(networks), origin_of(arguments.weights))
