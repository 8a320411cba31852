from __future__ import annotations

import hashlib
import os
import pickle
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from animeinterp.configs.errors import WeightsError
from animeinterp.models.vgg19 import random_vgg19
from animeinterp.models.weights.files import file_digest, read_header
from animeinterp.models.weights.layouts import CLASSIFIER_SHAPES
from animeinterp.models.weights.loading import load_rfr, load_synthesis, load_vgg19
from animeinterp.models.weights.tensors import read_state
from tests.models.states import State


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def save(content: object, **settings: Any) -> Path:
        path = tmp_path / "weights.pth"
        torch.save(content, path, **settings)
        return path

    return save


def part(state: State, *prefixes: str) -> State:
    return {name: value for name, value in state.items() if name.startswith(prefixes)}


def assert_holds(network: nn.Module, state: State, prefix: str = "") -> None:
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[prefix + name])
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("prefix", ["module.", ""])
@pytest.mark.parametrize("wrapped", [True, False])
def test_whole_checkpoint_serves_both_loaders(
    checkpoint: State, save: Callable[..., Path], prefix: str, wrapped: bool
) -> None:
    state = {prefix + name: value for name, value in checkpoint.items()}
    path = save({"model_state_dict": state, "epoch": 3} if wrapped else state)
    assert_holds(load_rfr(path), checkpoint, "flownet.")
    assert_holds(load_synthesis(path), checkpoint)


def test_released_programs_file_loads(released_checkpoint: Path) -> None:
    content = torch.load(released_checkpoint, weights_only=True)["model_state_dict"]
    rfr, synthesis = load_rfr(released_checkpoint), load_synthesis(released_checkpoint)
    assert len(rfr.state_dict()) + len(synthesis.state_dict()) == len(content)
    assert_holds(rfr, content, "module.flownet.")
    assert_holds(synthesis, content, "module.")


def test_parts_of_a_checkpoint_load(checkpoint: State, save: Callable[..., Path]) -> None:
    flownet = part(checkpoint, "flownet.")
    assert_holds(load_rfr(save(flownet)), checkpoint, "flownet.")
    bare = {name.removeprefix("flownet."): value for name, value in flownet.items()}
    assert_holds(load_rfr(save(bare)), bare)
    assert_holds(load_synthesis(save(part(checkpoint, "feat_ext.", "synnet."))), checkpoint)


def test_settings_reach_the_network(checkpoint: State, save: Callable[..., Path]) -> None:
    network = load_rfr(save(checkpoint), confidence_mask=False, initial_flow_additions=2, iterations=5)
    assert (network.confidence_mask, network.initial_flow_additions, network.iterations) == (False, 2, 5)


def test_older_format_half_precision_and_the_global_generator(
    checkpoint: State, save: Callable[..., Path]
) -> None:
    before = torch.random.get_rng_state()
    path = save(
        {name: value.half() for name, value in checkpoint.items()}, _use_new_zipfile_serialization=False
    )
    network = load_synthesis(path)
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("classifier", [True, False])
@pytest.mark.parametrize("newer", [True, False])
def test_vgg19_takes_the_convolutions_it_needs(
    vgg_state: State, save: Callable[..., Path], classifier: bool, newer: bool
) -> None:
    seeded = random_vgg19(["relu2_2"], 1)
    state = {**vgg_state, **seeded.state_dict()}
    if classifier:
        state |= {name: torch.tensor(0.0).expand(shape) for name, shape in CLASSIFIER_SHAPES.items()}
    network = load_vgg19(save(state, _use_new_zipfile_serialization=newer), ["relu1_1", "relu2_2"])
    assert_holds(network, seeded.state_dict())
    assert len(network.state_dict()) == 8


def test_loaded_vgg19_survives_its_file(vgg_state: State, save: Callable[..., Path]) -> None:
    path = save(vgg_state)
    network = load_vgg19(path, ["relu1_1"])
    path.write_bytes(b"")
    assert (network.features[0].weight == torch.tensor(0.01)).all()


def test_vgg19_refuses_other_layouts(vgg_state: State, save: Callable[..., Path]) -> None:
    del (missing := dict(vgg_state))["features.34.bias"]
    with pytest.raises(
        WeightsError, match=r"31 entries do not fit: 1 missing \(features.34.bias\)\. Expected"
    ):
        load_vgg19(save(missing), ["relu1_1"])
    reshaped = {**vgg_state, "features.28.weight": torch.zeros(2, 3)}
    with pytest.raises(
        WeightsError, match=r"1 of another shape \(features.28.weight \(2, 3\) instead of \(512,"
    ):
        load_vgg19(save(reshaped), ["relu1_1"])
    normalised = {**vgg_state, **{f"features.{n}.running_mean": torch.zeros(1) for n in range(5)}}
    with pytest.raises(WeightsError, match=r"5 surplus \(features.0.running_mean, .*, \.\.\.\)"):
        load_vgg19(save(normalised), ["relu1_1"])
    half_classifier = {**vgg_state, "classifier.6.bias": torch.zeros(1000)}
    with pytest.raises(WeightsError, match=r"5 missing \(classifier.0.weight"):
        load_vgg19(save(half_classifier), ["relu1_1"])


def test_vgg19_refuses_an_unknown_layer_before_reading(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="relu9_9"):
        load_vgg19(tmp_path / "absent.pth", ["relu9_9"])


@pytest.mark.parametrize(("load", "other"), [(load_rfr, "synnet."), (load_synthesis, "flownet.")])
def test_checkpoint_is_checked_as_a_whole(
    load: Callable[[Path], nn.Module], other: str, checkpoint: State, save: Callable[..., Path]
) -> None:
    """A fault in the half that a loader does not need is a fault of the file all the same."""
    name = next(name for name in checkpoint if name.startswith(other))
    without = {key: value for key, value in checkpoint.items() if key != name}
    with pytest.raises(WeightsError, match=f"219 entries do not fit: 1 missing .{name}.*with 220 entries"):
        load(save(without))
    with pytest.raises(WeightsError, match=f"1 of another shape .{name} .1, 1. instead of"):
        load(save({**checkpoint, name: torch.zeros(1, 1)}))
    with pytest.raises(WeightsError, match=r"1 surplus \(extra.weight\)"):
        load(save({**checkpoint, "extra.weight": torch.zeros(1)}))


def test_the_wrong_half_is_refused(checkpoint: State, save: Callable[..., Path]) -> None:
    with pytest.raises(WeightsError, match=r"70 missing .flownet.*refinement.method = 'none'"):
        load_rfr(save(part(checkpoint, "feat_ext.", "synnet.")))
    with pytest.raises(WeightsError, match=r"150 missing .feat_ext.*synthesis.method = 'blend'"):
        load_synthesis(save(part(checkpoint, "flownet.")))


def test_vgg19_is_no_checkpoint(vgg_state: State, save: Callable[..., Path]) -> None:
    with pytest.raises(WeightsError, match=r"70 missing .*32 surplus .features.0.weight"):
        load_rfr(save(vgg_state))


def test_values_that_are_not_finite_are_refused(checkpoint: State, save: Callable[..., Path]) -> None:
    name = "feat_ext.conv3.bias"
    damaged = {**checkpoint, name: torch.full_like(checkpoint[name], float("nan"))}
    with pytest.raises(WeightsError, match=f"weights.pth: {name} holds values that are not finite"):
        load_synthesis(save(damaged))


class RunsCode:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.mkdir, ("should-not-exist",)  # type: ignore[return-value]


@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("content", [RunsCode(), nn.Linear(1, 1)], ids=["call", "module"])
def test_a_file_that_asks_for_code_is_refused(
    content: object, newer: bool, save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    path = save({"model_state_dict": content}, _use_new_zipfile_serialization=newer)
    with pytest.raises(WeightsError, match=r"weights.pth: refused, because it asks for program code"):
        load_rfr(path)
    assert not (tmp_path / "should-not-exist").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(3), r"holds a torch.strided tensor of torch.float32, expected AnimeInterp's checkpoint"),
        ([1, 2], "holds a list, expected"),
        ({}, "holds an empty dict, expected"),
        ({"model_state_dict": {}}, "holds an empty dict, expected"),
        ({"model_state_dict": 5}, "holds a int, expected"),
        ({"epoch": 5}, "entry 'epoch' is a int, expected names and float tensors"),
        ({3: torch.zeros(1)}, "entry 3 is"),
        ({"a": torch.zeros(1, dtype=torch.int64)}, "entry 'a' is a torch.strided tensor of torch.int64"),
        ({"a": torch.zeros(2).to_sparse()}, "entry 'a' is a torch.sparse_coo tensor"),
        ({"a": torch.zeros(2, device="meta")}, "entry 'a' is"),
    ],
    ids=str,
)
def test_content_that_is_no_state_dict_is_refused(
    content: object, message: str, save: Callable[..., Path]
) -> None:
    with pytest.raises(WeightsError, match=f"weights.pth: {message}"):
        load_rfr(save(content))


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "no weights")


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        lambda path: path.write_text("hello world\n" * 9),
        lambda path: path.write_bytes(pickle.dumps({"a": 1}, protocol=4)),
        write_zip,
    ],
    ids=["image", "text", "pickle", "zip"],
)
@pytest.mark.parametrize(
    "load",
    [load_rfr, load_synthesis, lambda path: load_vgg19(path, ["relu1_1"])],
    ids=["rfr", "synthesis", "vgg"],
)
def test_other_files_are_refused(
    write: Callable[[Path], None], load: Callable[[Path], nn.Module], tmp_path: Path
) -> None:
    path = tmp_path / "other.bin"
    write(path)
    with pytest.raises(WeightsError, match=r"other.bin: not a PyTorch weights file, or damaged") as caught:
        load(path)
    assert caught.value.__cause__ is None


def test_script_archive_is_refused_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Linear(1, 1)), tmp_path / "script.pt")
    with pytest.raises(WeightsError, match="not a PyTorch weights file"):
        load_rfr(tmp_path / "script.pt")


@pytest.mark.parametrize("newer", [True, False])
def test_damaged_files_never_show_torchs_errors(newer: bool, save: Callable[..., Path]) -> None:
    generator = random.Random(0)
    path = save({f"flownet.{n}": torch.rand(3) for n in range(4)}, _use_new_zipfile_serialization=newer)
    whole = path.read_bytes()
    for trial in range(150):
        damaged = bytearray(whole)
        if trial % 3 == 0:
            damaged = damaged[: generator.randrange(len(whole))]
        else:
            for _ in range(generator.randint(1, 8)):
                damaged[generator.randrange(len(whole))] = generator.randrange(256)
        path.write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"weights.pth: "):
            load_rfr(path)


@pytest.mark.parametrize(
    "read", [file_digest, load_rfr, load_synthesis, lambda path: load_vgg19(path, ["relu1_1"])]
)
def test_absent_files_and_folders_are_refused(read: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"absent.pth: not found, expected"):
        read(tmp_path / "absent.pth")
    with pytest.raises(WeightsError, match=r"is a folder, expected"):
        read(tmp_path)
    (tmp_path / "empty.pth").touch()
    with pytest.raises(WeightsError, match=r"empty.pth: is empty, expected"):
        read(tmp_path / "empty.pth")


@pytest.mark.parametrize("read", [file_digest, load_rfr])
def test_files_that_cannot_be_read_are_named(
    read: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **settings: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "locked.pth"
    path.write_bytes(b"x")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(WeightsError, match=r"locked.pth: cannot be read \(Permission denied\)"):
        read(path)


def test_digest_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 100_000)
    assert file_digest(tmp_path / "file") == hashlib.sha256(b"abc" * 100_000).hexdigest()


@pytest.mark.parametrize("name", [b"\x83A.pth", b"new\nline.pth", b"%d [x] 'y'.pth"])
@pytest.mark.parametrize("kind", ["safetensors", "PyTorch", "older PyTorch"])
def test_files_of_any_name_are_read(tmp_path: Path, name: bytes, kind: str) -> None:
    path = tmp_path / os.fsdecode(name)
    state = {"a": torch.arange(3.0)}
    if kind == "safetensors":
        path.write_bytes(safetensors.torch.save(state))
    else:
        with path.open("wb") as file:
            torch.save(state, file, _use_new_zipfile_serialization=kind == "PyTorch")
    assert torch.equal(read_state(path)["a"], state["a"])
    assert read_header(path) == {}
