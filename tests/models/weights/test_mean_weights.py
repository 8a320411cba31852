from __future__ import annotations

from pathlib import Path

import torch

from animeinterp.models.weights.light import Origin, load_light, new_networks, save_light
from benchmarks.mean_weights import mean_of, origin_of


def test_each_parameter_is_the_mean_and_the_header_names_all_trainings(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    for seed, path in enumerate(paths):
        origin = Origin(f"scenes {seed}", "MIT", 0, "", f"training {seed}", 100 + seed)
        save_light(path, new_networks(seed), origin)
    first, second = (load_light(path).refinement.state_dict() for path in paths)
    mean = mean_of([load_light(path) for path in paths]).refinement.state_dict()
    for name, value in mean.items():
        torch.testing.assert_close(value, (first[name] + second[name]) / 2)
    assert origin_of(paths) == Origin("scenes 0, scenes 1", "MIT", 0, "", "training 0, training 1", 101)
