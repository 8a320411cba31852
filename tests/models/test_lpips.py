from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from torch import Tensor

from animeinterp.configs.errors import WeightsError
from animeinterp.models.lpips import BACKBONES, LPIPS, BackboneName, backbone_shapes, head_shapes
from animeinterp.models.weights.conversion import convert, examine
from animeinterp.models.weights.layouts import CLASSIFIERS
from animeinterp.models.weights.loading import LPIPS_OLD_HEADS, load_lpips
from tests.models.states import State

NAMES: tuple[BackboneName, ...] = get_args(BackboneName)


def random_state(shapes: dict[str, tuple[int, ...]], seed: int) -> State:
    """Numbers that keep the size of what goes through, so that no layer is dead."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        spread = (2 / max(1, int(np.prod(shape[1:])))) ** 0.5
        state[name] = spread * torch.randn(shape, generator=generator)
    return state


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[BackboneName, tuple[Path, Path]]:
    """Heads and backbone of random numbers, in the layout of the published files."""
    folder = tmp_path_factory.mktemp("lpips")
    made = {}
    for seed, name in enumerate(NAMES):
        made[name] = (folder / f"{name}-heads.pth", folder / f"{name}.pth")
        heads = {key: value.abs() for key, value in random_state(head_shapes(name), seed).items()}
        # The published heads are of the older format.
        torch.save(heads, made[name][0], _use_new_zipfile_serialization=False)
        torch.save(random_state(backbone_shapes(name), seed), made[name][1])
    return made


@pytest.fixture
def images() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    first = torch.rand((2, 3, 33, 40), generator=generator)
    return first, (first + 0.2 * torch.randn(first.shape, generator=generator)).clamp(0, 1)


def pool(maps: np.ndarray, size: int) -> np.ndarray:
    height, width = ((side - size) // 2 + 1 for side in maps.shape[1:])
    shifted = [
        maps[:, y : y + 2 * height - 1 : 2, x : x + 2 * width - 1 : 2]
        for y in range(size)
        for x in range(size)
    ]
    return np.max(shifted, axis=0)


def convolved(maps: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, pad: int) -> np.ndarray:
    padded = np.pad(maps, ((0, 0), (pad, pad), (pad, pad)))
    out = [
        bias[k] + sum(correlate2d(padded[c], weight[k, c], mode="valid") for c in range(len(maps)))
        for k in range(len(weight))
    ]
    return np.maximum(np.array(out)[:, ::stride, ::stride], 0)


def plain_distance(
    image0: Tensor, image1: Tensor, heads: State, trained: State, layers: list[object]
) -> float:
    """Zhang et al. 2018, equation 1, in NumPy; `layers` are strides and pads, or sizes of max-pools."""
    mean, deviation = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
    maps = [
        ((2 * image.double().numpy() - 1) - mean[:, None, None]) / deviation[:, None, None]
        for image in (image0, image1)
    ]
    tapped, numbers = 0, iter(sorted({int(name.split(".")[1]) for name in trained}))
    distance = 0.0
    for layer in layers:
        if layer == "tap":
            unit = [m / (np.sqrt((m**2).sum(axis=0, keepdims=True)) + 1e-10) for m in maps]
            head = heads[f"lin{tapped}.model.1.weight"].double().numpy().reshape(-1, 1, 1)
            distance += float((head * (unit[0] - unit[1]) ** 2).sum(axis=0).mean())
            tapped += 1
        elif isinstance(layer, int):
            maps = [pool(m, layer) for m in maps]
        else:
            number = next(numbers)
            weight, bias = (
                trained[f"features.{number}.{part}"].double().numpy() for part in ("weight", "bias")
            )
            maps = [convolved(m, weight, bias, *layer) for m in maps]  # type: ignore[misc]
    assert tapped == 5
    return distance


@pytest.mark.slow
def test_distance_on_alexnet_by_a_plain_computation(
    files: dict[BackboneName, tuple[Path, Path]], images: tuple[Tensor, Tensor]
) -> None:
    network = load_lpips(*files["alexnet"])
    # The third to fifth convolution of a 33x40 image work on 1x1 maps; the first on 8x9.
    layers: list[object] = [(4, 2), "tap", 3, (1, 2), "tap", 3, (1, 1), "tap", (1, 1), "tap", (1, 1), "tap"]
    heads, trained = (torch.load(path, weights_only=True) for path in files["alexnet"])
    expected = plain_distance(images[0][0], images[1][0], heads, trained, layers)
    assert expected > 0.01
    assert float(network(images[0][:1], images[1][:1])) == pytest.approx(expected, rel=1e-4)


def test_distance_on_vgg16_by_a_plain_computation(
    files: dict[BackboneName, tuple[Path, Path]], images: tuple[Tensor, Tensor]
) -> None:
    network = load_lpips(*files["vgg16"])
    small = [image[:1, :, :16, :17] for image in images]
    conv: list[object] = [(1, 1)]
    layers = 2 * conv + ["tap", 2] + 2 * conv + ["tap", 2] + 2 * (3 * conv + ["tap", 2]) + 3 * conv + ["tap"]
    heads, trained = (torch.load(path, weights_only=True) for path in files["vgg16"])
    # Torch's convolutions here: a plain loop over 512 times 512 channels takes minutes.
    expected = 0.0
    maps = [(2 * image - 1 - torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)) for image in small]
    maps = [m / torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1) for m in maps]
    numbers, tapped = iter(sorted({int(name.split(".")[1]) for name in trained})), 0
    for layer in layers:
        if layer == "tap":
            unit = [torch.nn.functional.normalize(m, dim=1) for m in maps]
            head = heads[f"lin{tapped}.model.1.weight"]
            expected += float(torch.nn.functional.conv2d((unit[0] - unit[1]) ** 2, head).mean())
            tapped += 1
        elif layer == 2:
            maps = [torch.nn.functional.max_pool2d(m, 2) for m in maps]
        else:
            key = f"features.{next(numbers)}."
            maps = [
                torch.nn.functional.conv2d(
                    m, trained[key + "weight"], trained[key + "bias"], padding=1
                ).relu()
                for m in maps
            ]
    assert (tapped, next(numbers, None)) == (5, None)
    assert float(network(*small)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_distance_is_symmetric_and_zero_for_equal_images(
    files: dict[BackboneName, tuple[Path, Path]], images: tuple[Tensor, Tensor], name: BackboneName
) -> None:
    network = load_lpips(*files[name])
    there = network(*images)
    assert there.shape == (2,)
    assert torch.allclose(there, network(*reversed(images)))
    assert (there > 0).all()
    assert torch.equal(network(images[0], images[0]), torch.zeros(2))
    black = torch.zeros((1, 3, 40, 40))
    assert network(black, black).isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_smallest_side_is_the_smallest(
    files: dict[BackboneName, tuple[Path, Path]], name: BackboneName
) -> None:
    network, side = load_lpips(*files[name]), BACKBONES[name].smallest_side
    image = torch.rand((1, 3, side, side + 1), generator=torch.Generator().manual_seed(0))
    assert float(network(image, 1 - image)) > 0
    with pytest.raises(ValueError, match=f"expected {side} px or more"):
        network(image[..., :-2], image[..., :-2])
    with pytest.raises(RuntimeError):  # nothing would be left at the last ReLU
        network.features(image[..., :-2])


def test_images_that_do_not_fit_are_refused(files: dict[BackboneName, tuple[Path, Path]]) -> None:
    network = load_lpips(*files["alexnet"])
    image = torch.zeros((1, 3, 40, 40))
    for other in (torch.zeros((1, 3, 40, 41)), torch.zeros((3, 40, 40))):
        with pytest.raises(ValueError, match="expected .N, 3, H, W. twice"):
            network(image, other)


Spoil = Callable[[State], None]


def lacking(state: State) -> None:
    state.pop(next(iter(state)))


def reshaped(state: State) -> None:
    state[next(iter(state))] = torch.zeros(2)


def not_finite(state: State) -> None:
    next(iter(state.values())).view(-1)[0] = torch.nan


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(lacking, "1 missing"), (reshaped, "1 of another shape"), (not_finite, "not finite")],
)
@pytest.mark.parametrize("which", [0, 1])
def test_files_that_do_not_fit_are_refused_by_name(
    files: dict[BackboneName, tuple[Path, Path]], tmp_path: Path, which: int, spoil: Spoil, said: str
) -> None:
    paths = list(files["alexnet"])
    state = torch.load(paths[which], weights_only=True)
    spoil(state)
    paths[which] = tmp_path / "spoilt.pth"
    torch.save(state, paths[which])
    with pytest.raises(WeightsError, match=f"spoilt.pth: .*{said}.*evaluation.lpips_"):
        load_lpips(*paths)


def test_files_of_two_backbones_exchanged_or_absent_are_refused(
    files: dict[BackboneName, tuple[Path, Path]], tmp_path: Path
) -> None:
    (heads, backbone), (other_heads, other) = files["alexnet"], files["vgg16"]
    with pytest.raises(WeightsError, match=r"vgg16.pth: .*Expected torchvision's AlexNet"):
        load_lpips(heads, other)
    with pytest.raises(WeightsError, match=r"alexnet.pth: .*Expected torchvision's VGG-16"):
        load_lpips(other_heads, backbone)
    with pytest.raises(WeightsError, match=r"alexnet.pth: .*Expected the heads of LPIPS"):
        load_lpips(backbone, heads)
    with pytest.raises(WeightsError, match="absent.pth: not found, expected torchvision's AlexNet"):
        load_lpips(heads, tmp_path / "absent.pth")


def test_heads_of_squeezenet_are_refused(
    tmp_path: Path, files: dict[BackboneName, tuple[Path, Path]]
) -> None:
    widths = (64, 128, 256, 384, 384, 512, 512)
    torch.save(
        {f"lin{k}.model.1.weight": torch.ones(1, c, 1, 1) for k, c in enumerate(widths)}, tmp_path / "s.pth"
    )
    with pytest.raises(WeightsError, match=r"s.pth: .*2 surplus .lin5.model.1.weight"):
        load_lpips(tmp_path / "s.pth", files["vgg16"][1])


@pytest.mark.parametrize("name", NAMES)
def test_heads_of_the_version_before_are_known_by_their_numbers(
    files: dict[BackboneName, tuple[Path, Path]],
    name: BackboneName,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = torch.load(files[name][0], weights_only=True)
    numbers = b"".join(state[f"lin{k}.model.1.weight"].numpy().tobytes() for k in range(5))
    assert hashlib.sha256(numbers).hexdigest() not in LPIPS_OLD_HEADS
    monkeypatch.setattr(
        "animeinterp.models.weights.loading.LPIPS_OLD_HEADS", {hashlib.sha256(numbers).hexdigest()}
    )
    # In whatever order and kind of file they come.
    torch.save(dict(reversed(state.items())), tmp_path / "old.pth")
    with pytest.raises(WeightsError, match=r"old.pth: holds the heads of LPIPS v0\.0.* v0\.1 on AlexNet"):
        load_lpips(tmp_path / "old.pth", files[name][1])
    load_lpips(*files["vgg16" if name == "alexnet" else "alexnet"])


@pytest.mark.parametrize("name", NAMES)
def test_the_classifier_may_be_in_the_file(
    files: dict[BackboneName, tuple[Path, Path]], tmp_path: Path, name: BackboneName
) -> None:
    heads, backbone = files[name]
    state = torch.load(backbone, weights_only=True)
    state |= {key: torch.tensor(0.0).expand(shape) for key, shape in CLASSIFIERS[name].items()}
    torch.save(state, tmp_path / "whole.pth")
    whole, alone = load_lpips(heads, tmp_path / "whole.pth"), load_lpips(heads, backbone)
    assert isinstance(whole, LPIPS)
    for key, value in alone.state_dict().items():
        assert torch.equal(whole.state_dict()[key], value)
    assert not any(parameter.requires_grad for parameter in whole.parameters())
    assert examine(tmp_path / "whole.pth").problems == []
    state.popitem()
    torch.save(state, tmp_path / "whole.pth")
    with pytest.raises(WeightsError, match="1 missing .classifier.6.bias"):
        load_lpips(heads, tmp_path / "whole.pth")


@pytest.mark.parametrize("name", NAMES)
def test_files_are_told_apart_and_not_converted(
    files: dict[BackboneName, tuple[Path, Path]], tmp_path: Path, name: BackboneName
) -> None:
    for path, part in zip(files[name], ("lpips", name), strict=True):
        found = examine(path)
        assert (found.parts, found.problems) == ((part,), [])
        with pytest.raises(WeightsError, match="needs no conversion"):
            convert(path, tmp_path / "out.safetensors")
