from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from animeinterp.models.flow import backwarp, bilinear_corners, resize_flow


def constant_flow(x: float, y: float, height: int, width: int) -> Tensor:
    return torch.tensor([float(x), float(y)]).view(1, 2, 1, 1).expand(1, 2, height, width).clone()


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "area"])
def test_resizing_rescales_each_axis(mode: str) -> None:
    resized = resize_flow(constant_flow(6, 4, 9, 12), (3, 24), mode)  # type: ignore[arg-type]
    assert resized.shape == (1, 2, 3, 24)
    torch.testing.assert_close(resized, constant_flow(12, 4 / 3, 3, 24))


def test_nearest_takes_the_pixel_at_the_floor() -> None:
    flow = torch.arange(10.0).expand(1, 2, 4, 10)
    assert (resize_flow(flow, (4, 4), "nearest")[0, 0, 0] / 0.4).tolist() == [0, 2, 5, 7]


def test_resizing_to_its_own_size_changes_nothing(seeded: torch.Generator) -> None:
    flow = torch.randn(2, 2, 5, 7, generator=seeded)
    assert torch.equal(resize_flow(flow, (5, 7), "bilinear"), flow)
    assert torch.equal(resize_flow(flow, (5, 7), "nearest"), flow)


def test_zero_flow_samples_the_image_itself(seeded: torch.Generator) -> None:
    image = torch.rand(1, 3, 5, 7, generator=seeded)
    assert torch.equal(backwarp(image, torch.zeros(1, 2, 5, 7)), image)


def test_whole_shift_samples_the_shifted_image_and_zeros_outside(seeded: torch.Generator) -> None:
    image = torch.rand(1, 3, 5, 7, generator=seeded)
    warped = backwarp(image, constant_flow(2, -1, 5, 7))
    assert torch.equal(warped[..., 1:, :-2], image[..., :-1, 2:])
    assert not warped[..., 0, :].any()
    assert not warped[..., -2:].any()


def test_sampling_is_that_of_aligned_corners(seeded: torch.Generator) -> None:
    image, flow = torch.rand(2, 3, 9, 13, generator=seeded), 4 * torch.randn(2, 2, 9, 13, generator=seeded)
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(13.0), indexing="ij")
    grid = torch.stack([2 * (x + flow[:, 0]) / 12 - 1, 2 * (y + flow[:, 1]) / 8 - 1], dim=-1)
    torch.testing.assert_close(backwarp(image, flow), grid_sample(image, grid, align_corners=True))


def test_one_pixel_is_sampled_like_any_other() -> None:
    image = torch.ones(1, 1, 1, 1)
    for shift, expected in ((0.0, 1.0), (0.25, 0.75), (-0.75, 0.25), (1.0, 0.0), (5.0, 0.0)):
        assert backwarp(image, constant_flow(shift, 0, 1, 1)).item() == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_vectors_without_an_end_point_in_the_frame_sample_zero(value: float) -> None:
    flow = torch.zeros(1, 2, 3, 4)
    flow[0, 0, 1, 2] = value
    warped = backwarp(torch.ones(1, 1, 3, 4), flow)
    assert warped[0, 0, 1, 2] == 0
    assert warped.sum() == 11


def test_corner_weights_sum_to_one_inside(seeded: torch.Generator) -> None:
    flow = torch.rand(1, 2, 6, 6, generator=seeded) * 0.9
    corners = list(bilinear_corners(flow))
    total = sum(corner.weight for corner in corners).view(6, 6)
    torch.testing.assert_close(total[:5, :5], torch.ones(5, 5))
    assert all(corner.pixel.min() >= 0 and corner.pixel.max() < 36 for corner in corners)


def test_a_tiny_fraction_keeps_its_weight() -> None:
    flow = constant_flow(1e-6, 0, 1, 1000)
    # In float32, 900 + 1e-6 is 900: a weight taken from the position would be lost.
    assert list(bilinear_corners(flow))[1].weight[0, 0, 900] > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_compiled_sampling_is_that_of_torch(dtype: torch.dtype, seeded: torch.Generator) -> None:
    image = torch.rand(2, 3, 7, 9, generator=seeded).to(dtype)
    flow = (4 * torch.randn(2, 2, 7, 9, generator=seeded)).to(dtype)
    learning = backwarp(image, flow.clone().requires_grad_())  # for gradients by Torch's operators
    assert torch.equal(backwarp(image, flow), learning.detach())


def test_gradient_of_sampling(seeded: torch.Generator) -> None:
    image = torch.rand(1, 2, 3, 4, generator=seeded, dtype=torch.float64, requires_grad=True)
    flow = torch.rand(1, 2, 3, 4, generator=seeded, dtype=torch.float64) * 0.8 + 0.1
    assert torch.autograd.gradcheck(backwarp, (image, flow.requires_grad_()))


@pytest.mark.parametrize("shape", [(2, 4, 5), (1, 3, 4, 5)])
def test_flow_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"flow has shape .* expected \(N, 2, H, W\)"):
        resize_flow(torch.zeros(shape), (2, 2), "nearest")


def test_empty_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="flow of 4x5 cannot be resized to size 0x2: a side is 0"):
        resize_flow(torch.zeros(1, 2, 4, 5), (0, 2), "nearest")


@pytest.mark.parametrize("shape", [(1, 3, 4, 6), (2, 3, 4, 5), (3, 4, 5)])
def test_image_on_another_grid_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"image has shape .* and flow \(1, 2, 4, 5\)"):
        backwarp(torch.zeros(shape), torch.zeros(1, 2, 4, 5))
