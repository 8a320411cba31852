from __future__ import annotations

import weakref

import pytest
import torch
from torch import nn

from animeinterp.configs.sections import PAPER_LAYERS, RELEASED_LAYERS
from animeinterp.models import convolution
from animeinterp.models.preprocessing import IMAGENET_MEAN
from animeinterp.models.vgg19 import VGG19, convolution_shapes, random_vgg19


@pytest.mark.parametrize(
    ("height", "width"), [(32, 48), (33, 47), (17, 9), (1, 1), (7, 40)], ids=lambda side: str(side)
)
def test_maps_are_halved_and_floored_at_each_block(height: int, width: int) -> None:
    network = random_vgg19(PAPER_LAYERS, 0)
    with torch.inference_mode():
        maps = list(network(torch.rand(2, 3, height, width)))
    assert [tuple(m.shape) for m in maps] == [
        (2, channels, height >> block, width >> block) for block, channels in enumerate((64, 128, 256, 512))
    ]
    assert all((m >= 0).all() for m in maps)


def test_maps_equal_those_of_the_plain_layers() -> None:
    network = random_vgg19(["relu1_1", "relu1_2", "relu2_1"], 5)
    images = torch.rand(1, 3, 8, 8)
    x = images - torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    x = x / torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    first = network.features[0](x).relu()
    second = network.features[2](first).relu()
    third = network.features[5](nn.functional.max_pool2d(second, 2)).relu()
    for found, expected in zip(network(images), (first, second, third), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_layers_and_memory_order_of_the_input_change_nothing() -> None:
    images = torch.rand(2, 3, 24, 20)
    alone = list(random_vgg19(["relu2_1"], 0)(images))
    among = list(random_vgg19(["relu1_1", "relu2_1", "relu3_2"], 0)(images))
    assert torch.equal(among[1], alone[0])
    turned = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    for found, expected in zip(random_vgg19(["relu1_1", "relu2_1"], 0)(turned), among[:2], strict=True):
        assert torch.equal(found, expected)
        assert found.is_contiguous(memory_format=torch.channels_last)


def test_maps_are_made_when_asked_for_and_let_go() -> None:
    with torch.inference_mode():
        maps = random_vgg19(["relu1_2", "relu2_2"], 0)(torch.rand(1, 3, 16, 16))
        first = weakref.ref(next(maps))
        assert first() is not None
        next(maps)
        assert first() is None


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_is_float32_rounded_after_each_layer(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "_computes_in", lambda weight: native)
    layers = ["relu1_2", "relu2_2", "relu3_4"]
    images = torch.rand(1, 3, 24, 32)
    with torch.inference_mode():
        rounded = list(random_vgg19(layers, 0).to(torch.bfloat16)(images))
        exact = list(random_vgg19(layers, 0)(images))
    for found, expected in zip(rounded, exact, strict=True):
        assert found.dtype == torch.bfloat16
        error = (found.float() - expected).abs().max() / expected.max()
        assert 1e-4 < error < 0.02  # 8 bits of precision, 8 layers


def test_random_weights_depend_on_the_seed_alone_and_leave_the_global_generator() -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    short, long = random_vgg19(["relu1_2"], 3), random_vgg19(RELEASED_LAYERS, 3)
    assert torch.equal(torch.random.get_rng_state(), before)
    for name, value in short.state_dict().items():
        assert torch.equal(value, long.state_dict()[name])
    assert not torch.equal(
        random_vgg19(["relu1_2"], 4).state_dict()["features.0.weight"], short.features[0].weight
    )


def test_random_weights_are_those_of_constructing_and_then_initialising_each_convolution() -> None:
    torch.manual_seed(0)
    expected = []
    for channels in ((3, 64), (64, 64)):
        convolution = nn.Conv2d(*channels, 3, padding=1)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        expected.append(convolution.weight)
    network = random_vgg19(["relu1_2"], 0)
    assert torch.equal(network.features[0].weight, expected[0])
    assert torch.equal(network.features[2].weight, expected[1])
    assert not network.features[0].bias.any()
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_names_and_shapes_are_torchvisions() -> None:
    shapes = convolution_shapes()
    numbers = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert list(shapes) == [f"features.{n}.{part}" for n in numbers for part in ("weight", "bias")]
    assert shapes["features.10.weight"] == (256, 128, 3, 3)
    assert shapes["features.34.bias"] == (512,)
    with torch.device("meta"):
        deepest = VGG19(["relu5_4"])
    assert {name: tuple(value.shape) for name, value in deepest.state_dict().items()} == shapes


@pytest.mark.parametrize("layer", ["relu1_3", "relu6_1", "conv1_1", "relu0_1", ""])
def test_unknown_layer_is_refused(layer: str) -> None:
    with pytest.raises(
        ValueError, match=f"layers names '{layer}', which VGG-19 does not have; expected relu1_1"
    ):
        VGG19(["relu1_1", layer])


@pytest.mark.parametrize("layers", [["relu2_1", "relu1_1"], ["relu1_1", "relu1_1"]])
def test_layers_out_of_order_are_refused(layers: list[str]) -> None:
    with pytest.raises(ValueError, match=r"layers \['relu.*'\] are out of order"):
        VGG19(layers)


def test_no_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="layers is empty"):
        VGG19([])


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images has shape .* expected \(N, 3, H, W\)"):
        random_vgg19(["relu1_1"], 0)(torch.zeros(shape))
