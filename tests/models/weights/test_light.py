from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from animeinterp.configs.errors import WeightsError
from animeinterp.models.weights.files import read_header
from animeinterp.models.weights.light import Origin, load_light, new_networks, save_light

ORIGIN = Origin("cut-out scenes", "CC0-1.0", 7, "abc", "f" * 32, 12)


def test_two_million_parameters_and_at_most_eight_megabytes(tmp_path: Path) -> None:
    networks = new_networks(0)
    count = sum(parameter.numel() for network in networks for parameter in network.parameters())
    assert 1.5e6 < count < 2.5e6
    save_light(tmp_path / "light.safetensors", networks, ORIGIN)
    assert (tmp_path / "light.safetensors").stat().st_size < 8e6


def test_round_trip(tmp_path: Path) -> None:
    path, networks = tmp_path / "new" / "light.safetensors", new_networks(3, iterations=4)
    save_light(path, networks, ORIGIN)
    loaded = load_light(path)
    assert asdict(ORIGIN).items() <= read_header(path).items()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert loaded.refinement.iterations == 4
    assert load_light(path, iterations=2).refinement.iterations == 2
    for written, read in zip(networks, loaded, strict=True):
        assert not read.training
        for name, value in written.state_dict().items():
            assert torch.equal(read.state_dict()[name], value.half().float()), name


def test_seeds_make_networks() -> None:
    before = torch.get_rng_state()
    first, again, other = (new_networks(seed).refinement.fnet.conv1.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


def test_refuses_what_is_not_finite(tmp_path: Path) -> None:
    networks = new_networks(0)
    with torch.no_grad():
        networks.synthesis.feat_ext.conv1.weight[0, 0, 0, 0] = 1e6  # infinite as float16
    with pytest.raises(WeightsError, match=r"synthesis\.feat_ext\.conv1\.weight.*not finite"):
        save_light(tmp_path / "light.safetensors", networks, ORIGIN)
    assert not any(tmp_path.iterdir())


def test_refuses_other_files(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(1)}, other)
    with pytest.raises(WeightsError, match=r"without a variant, expected light networks"):
        load_light(other)
    header = '{"version": 1, "variant": "released"}'
    save_file({"weight": torch.zeros(1)}, other, metadata={"animeinterp": header})
    with pytest.raises(WeightsError, match="variant 'released'"):
        load_light(other)
    save_file(
        {"weight": torch.zeros(1)}, other, metadata={"animeinterp": header.replace("released", "light")}
    )
    with pytest.raises(WeightsError, match="1 entries do not fit"):
        load_light(other)
