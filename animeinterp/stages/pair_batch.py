"""Pairs of frames and flows as tensors, weighed and splatted: what all methods of synthesis share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from animeinterp.configs.sections import SynthesisSection
from animeinterp.models.arrays import Flow, Frame, colour_tensor, flow_tensor, frame_tensor
from animeinterp.models.light_synthesis import ALPHA
from animeinterp.models.splatting import Splatted, brightness_importance, splat

FloatArray = npt.NDArray[np.float32]


class Hints(NamedTuple):
    """What the light network sees besides a pair, from the light refinement; other refinements give none."""

    importance01: FloatArray | None = None
    """`(H, W)`: added to the logarithms of the weights of frame 0's pixels."""
    importance10: FloatArray | None = None
    """The same for frame 1."""
    start_flow01: Flow | None = None
    """float32, `(2, H, W)`, pixels: what the refinement started from, frame 0 to frame 1."""
    start_flow10: Flow | None = None
    """And back; both or neither."""


NO_HINTS = Hints()


class RefinedPair(NamedTuple):
    """A pair of frames and the flows between them."""

    frame0: Frame
    """RGB, uint8, `(H, W, 3)`."""
    frame1: Frame
    """RGB, uint8, `(H, W, 3)`."""
    flow01: Flow
    """float32, `(2, H, W)`, x before y, pixels; the whole way to the other frame; finite."""
    flow10: Flow
    """float32, `(2, H, W)`, x before y, pixels; the whole way to the other frame; finite."""
    colours0: FloatArray | None = None
    """What frame 0 is drawn from, float32, `(H, W, 3)`, 0..1: its colours with more than 8 bits; None = they
    have no more."""
    colours1: FloatArray | None = None
    """The same of frame 1; neither or both."""


class Batch(NamedTuple):
    """Pairs of one size, `(N, ...)` each."""

    frame0: Tensor
    frame1: Tensor
    flow01: Tensor
    flow10: Tensor
    importance01: Tensor | None
    importance10: Tensor | None


def to_tensors(pairs: Sequence[RefinedPair], device: str | torch.device, hints: Sequence[Hints]) -> Batch:
    """Pairs, and the importance of their pixels, on a device."""
    frames0, frames1, flows01, flows10, colours0, colours1 = zip(*pairs, strict=True)
    maps = zip(*(each[:2] for each in hints), strict=True)
    return Batch(
        frame_tensor(frames0, device) if colours0[0] is None else colour_tensor(colours0, device),
        frame_tensor(frames1, device) if colours1[0] is None else colour_tensor(colours1, device),
        flow_tensor(flows01, device),
        flow_tensor(flows10, device),
        *(_importance_tensor(each, device) for each in maps),
    )


def _importance_tensor(maps: Sequence[FloatArray | None], device: str | torch.device) -> Tensor | None:
    """`(N, 1, H, W)`; None where a pair has none."""
    there = [each for each in maps if each is not None]
    return torch.from_numpy(np.stack(there)[:, None]).to(device) if len(there) == len(maps) else None


def to_array(images: Tensor) -> FloatArray:
    """`(N, C, H, W)` to `(N, H, W, C)`."""
    array: FloatArray = images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return array


def weigh_pixels(batch: Batch, section: SynthesisSection) -> tuple[Tensor | None, Tensor | None]:
    """The importance of the pixels of both frames, as `models.splatting.splat` takes it; None averages."""
    frame0, frame1, flow01, flow10, *learned = batch
    is_light = section.chosen_method == "light"
    if section.splatting == "average" and not is_light:
        return None, None
    alpha = ALPHA if is_light else section.softmax_alpha
    learned01, learned10 = learned if is_light else (None, None)
    return (
        brightness_importance(frame0, frame1, flow01, alpha, learned01),
        brightness_importance(frame1, frame0, flow10, alpha, learned10),
    )


def splat_both(
    batch: Batch, importances: tuple[Tensor | None, Tensor | None], t: float
) -> tuple[Splatted, Splatted]:
    """Both frames, carried to a time."""
    return (
        splat(batch.frame0, t * batch.flow01, importances[0]),
        splat(batch.frame1, (1 - t) * batch.flow10, importances[1]),
    )


def hints_in(arrays: Mapping[str, npt.NDArray[Any]]) -> Hints:
    """Those of them that are among the results of a refinement."""
    found = (arrays.get(name) for name in Hints._fields)
    return Hints(*(None if each is None else each.astype(np.float32) for each in found))


def check_times(times: Sequence[float]) -> None:
    """Raise ValueError unless there are times, all between 0 and 1."""
    if len(times) == 0 or any(not 0 < t < 1 for t in times):
        raise ValueError(f"times is {list(times)}, expected at least one, each between 0 and 1")


def check_colours(pair: RefinedPair) -> None:
    """Raise ValueError unless the colours of a pair fit its frames."""
    if pair.colours0 is None and pair.colours1 is None:
        return
    for name, colours in (("colours0", pair.colours0), ("colours1", pair.colours1)):
        found = None if colours is None else (colours.dtype.name, colours.shape)
        if found != ("float32", pair.frame0.shape):
            raise ValueError(f"{name} is {found}, expected float32 of shape {pair.frame0.shape}")
