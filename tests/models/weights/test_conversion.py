from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from animeinterp.configs.errors import WeightsError
from animeinterp.models.vgg19 import random_vgg19
from animeinterp.models.weights.conversion import convert, examine
from animeinterp.models.weights.files import file_digest, format_of, read_header, stated_variant
from animeinterp.models.weights.layouts import CLASSIFIER_SHAPES
from animeinterp.models.weights.loading import load_rfr, load_synthesis, load_vgg19
from animeinterp.models.weights.records import RECORDS, VARIANTS, record_of
from animeinterp.models.weights.tensors import read_state
from tests.models.states import State


def header_of(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["animeinterp"])


@pytest.fixture
def source(checkpoint: State, tmp_path: Path) -> Path:
    path = tmp_path / "full.ckpt"
    torch.save({"model_state_dict": {f"module.{n}": v for n, v in checkpoint.items()}}, path)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "full.safetensors"


def test_a_converted_checkpoint_holds_the_same_bits_and_says_what_it_is(
    source: Path, target: Path, checkpoint: State
) -> None:
    found = convert(source, target, "released")
    assert (found.format, found.parts, found.variant) == ("safetensors", ("rfr", "synthesis"), "released")
    assert found.problems == []
    assert found.source_sha256 == file_digest(source)
    state = read_state(target)
    assert state.keys() == checkpoint.keys()
    assert all(torch.equal(state[name], value) for name, value in checkpoint.items())
    assert header_of(target)["trained_with"] == VARIANTS["released"]
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    for load in (load_rfr, load_synthesis):
        expected, network = load(source).state_dict(), load(target).state_dict()
        assert all(torch.equal(network[name], value) for name, value in expected.items())


def test_one_network_can_be_taken_out_and_a_bare_rfr_gets_its_prefix(
    source: Path, target: Path, checkpoint: State, tmp_path: Path
) -> None:
    assert convert(source, target, "paper", "rfr").parts == ("rfr",)
    assert all(name.startswith("flownet.") for name in read_state(target))
    bare = tmp_path / "bare.pth"
    torch.save({n.removeprefix("flownet."): v for n, v in read_state(target).items()}, bare)
    again = target.with_name("again.safetensors")
    convert(bare, again, "paper")
    assert read_state(again).keys() == read_state(target).keys()
    with pytest.raises(WeightsError, match="holds rfr, and no synthesis; choose one of those"):
        convert(bare, target, "paper", "synthesis", overwrite=True)
    with pytest.raises(WeightsError, match="150 missing"):
        load_synthesis(again)


@pytest.mark.slow
def test_vgg19_loses_its_classifier_and_has_no_variant(vgg_state: State, tmp_path: Path) -> None:
    seeded = random_vgg19(["relu2_2"], 1).state_dict()
    small = {name: value.clone() for name, value in {**vgg_state, **seeded}.items()}
    classifier = {name: torch.tensor(0.0).expand(shape) for name, shape in CLASSIFIER_SHAPES.items()}
    torch.save({**small, **classifier}, tmp_path / "vgg.pth")
    target = tmp_path / "vgg.safetensors"
    found = convert(tmp_path / "vgg.pth", target, "paper")
    assert (found.parts, found.variant) == (("vgg19",), None)
    assert read_state(target).keys() == vgg_state.keys()
    network = load_vgg19(target, ["relu2_2"])
    assert all(torch.equal(network.state_dict()[name], value) for name, value in seeded.items())


def test_the_variant_goes_along_and_is_not_changed_on_the_way(source: Path, target: Path) -> None:
    convert(source, target, "released")
    again = target.with_name("again.safetensors")
    found = convert(target, again)
    assert found.variant == stated_variant(again) == "released"
    assert found.source_sha256 == file_digest(source)
    assert again.read_bytes() == target.read_bytes()
    with pytest.raises(WeightsError, match="is of variant released, and paper was asked for"):
        convert(target, again, "paper", overwrite=True)


def test_without_a_variant_none_is_noted(source: Path, target: Path) -> None:
    assert convert(source, target).variant is None
    assert stated_variant(target) is None
    assert stated_variant(source) is None


def test_targets_are_not_overwritten_unless_asked_for(source: Path, target: Path) -> None:
    convert(source, target, "paper")
    before = target.read_bytes()
    with pytest.raises(WeightsError, match="exists already"):
        convert(source, target, "released")
    assert target.read_bytes() == before
    assert convert(source, target, "released", overwrite=True).variant == "released"
    with pytest.raises(WeightsError, match=r"ends in '.pth', expected '.safetensors'"):
        convert(source, target.with_suffix(".pth"))


def test_a_target_that_cannot_be_written_leaves_nothing(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="cannot be written"):
        convert(source, tmp_path / "file" / "x.safetensors")
    before = sorted(tmp_path.iterdir())
    (tmp_path / "taken.safetensors").mkdir()
    with pytest.raises(WeightsError, match="cannot be written"):
        convert(source, tmp_path / "taken.safetensors", overwrite=True)
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "taken.safetensors"])


def test_every_problem_is_listed(checkpoint: State, tmp_path: Path) -> None:
    path, state = tmp_path / "faulty.ckpt", dict(checkpoint)
    missing = [name for name in state if name.startswith("flownet.fnet.layer1")]
    for name in missing:
        del state[name]
    state |= {"synnet.extra": torch.zeros(1), "flownet.fnet.conv1.bias": torch.zeros(2)}
    state["feat_ext.conv3.bias"] = torch.full((64,), float("nan"))
    torch.save(state, path)
    found = examine(path)
    assert found.parts == ("rfr", "synthesis")
    assert found.problems == [
        *(f"missing: {name}" for name in missing),
        "surplus: synnet.extra",
        "of another shape: flownet.fnet.conv1.bias (2,) instead of (64,)",
        "not finite: feat_ext.conv3.bias",
    ]
    with pytest.raises(
        WeightsError, match=r"no complete network \(missing: flownet.fnet.layer1.0.conv1.weight\)"
    ):
        convert(path, tmp_path / "x.safetensors")


def test_other_networks_are_not_taken_for_ours(tmp_path: Path) -> None:
    torch.save({"linear.weight": torch.zeros(1)}, tmp_path / "other.pth")
    assert examine(tmp_path / "other.pth").parts == ()
    with pytest.raises(WeightsError, match="none of its names is known"):
        convert(tmp_path / "other.pth", tmp_path / "x.safetensors")


def test_foreign_safetensors_are_read_without_a_header(checkpoint: State, tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    for metadata in (None, {"format": "pt"}):
        save_file(checkpoint, path, metadata=metadata)
        assert read_header(path) == {}
        assert stated_variant(path) is None
        assert load_rfr(path).iterations == 12


def test_headers_of_later_versions_and_unknown_variants_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "later.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"animeinterp": '{"version": 2}'})
    with pytest.raises(WeightsError, match="header of version 2, expected 1; update animeinterp"):
        read_state(path)
    save_file({"a": torch.zeros(1)}, path, metadata={"animeinterp": '{"version": 1, "variant": "third"}'})
    with pytest.raises(WeightsError, match="is of variant 'third', expected paper or released"):
        stated_variant(path)


def test_damaged_safetensors_are_refused(tmp_path: Path) -> None:
    generator, path = random.Random(0), tmp_path / "x.safetensors"
    save_file({f"flownet.{n}": torch.rand(3) for n in range(4)}, path)
    whole = path.read_bytes()
    for trial in range(100):
        damaged = bytearray(whole)
        if trial % 2:
            damaged = damaged[: generator.randrange(len(whole))]
        else:
            for _ in range(generator.randint(1, 8)):
                damaged[generator.randrange(200)] = generator.randrange(256)
        path.write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"x.safetensors: "):
            load_rfr(path)


def test_formats_are_told_by_content_not_by_name(source: Path, target: Path, tmp_path: Path) -> None:
    convert(source, target, "paper")
    renamed = target.rename(tmp_path / "weights.pth")
    assert (format_of(renamed), format_of(source)) == ("safetensors", "PyTorch")
    load_synthesis(renamed)


def test_records_say_what_there_is_to_know() -> None:
    assert len({record.name for record in RECORDS}) == len(RECORDS)
    for record in RECORDS:
        assert record.url.startswith("https://")
        assert record.licence
        assert record.preprocessing
        assert len(record.sha256) <= 64
        assert record.variant is None or record.variant in VARIANTS
        assert (record.variant is None) == (record.name != "animeinterp")
    vgg = RECORDS[0]
    assert record_of(vgg.sha256 + "0" * 56) is vgg
    assert record_of("0" * 64) is None
