"""Synthesis: the frames between two frames, drawn by GridNet or put together from the two splatted frames.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.3.
   arXiv:2104.02495
.. [2] S. Niklaus, F. Liu, "Softmax Splatting for Video Frame Interpolation", CVPR 2020. arXiv:2003.05534
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from configs.sections import SynthesisSection
from models.arrays import (
    Flow,
    Frame,
    check_one_size,
    check_pair,
    colour_tensor,
    flow_tensor,
    frame_tensor,
)
from models.light_synthesis import ALPHA, LightSynthesis
from models.reproducible import reproducible
from models.splatting import IMPORTANCE_LIMIT, Splatted, brightness_importance, splat
from models.synthesis_network import SynthesisNetwork
from stages.composite import Composite

FloatArray = npt.NDArray[np.float32]
Importances = tuple[FloatArray | None, FloatArray | None]
"""`(H, W)`, from the light RFR: what the pixels of frame 0 and frame 1 count in splatting, as logarithms."""


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


class SplattedFrames(NamedTuple):
    """Both frames of a pair carried to one time."""

    frame0: FloatArray
    """`(H, W, 3)`, RGB, 0..1; 0 in holes."""
    frame1: FloatArray
    """`(H, W, 3)`, RGB, 0..1; 0 in holes."""
    weight0: FloatArray
    """`(H, W)`, sum of the weights that landed on each pixel; exactly 0 in holes."""
    weight1: FloatArray
    """`(H, W)`, sum of the weights that landed on each pixel; exactly 0 in holes."""


def synthesise(
    frame0: Frame,
    frame1: Frame,
    flow01: Flow,
    flow10: Flow,
    times: Sequence[float],
    network: SynthesisNetwork | LightSynthesis | None,
    section: SynthesisSection,
    device: str | torch.device = "cpu",
) -> FloatArray:
    """Frames at the times wanted.

    Parameters
    ----------
    frame0, frame1
        RGB, uint8, `(H, W, 3)`.
    flow01, flow10
        float32, `(2, H, W)`, x before y, pixels; the whole way to the other frame; finite.
    times
        In (0, 1), 0 = frame 0; at least one.
    network
        Feature extractor and GridNet with their weights; None for the methods without, see Notes.
    section
        Its `splatting` and `softmax_alpha` are used, for the network as for blending; without a network also
        its method.
    device
        Where the work is done; the network is moved there.

    Returns
    -------
    ndarray
        float32, `(len(times), H, W, 3)`, RGB, clamped to 0..1.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, another dtype, a flow that is not finite, no time or one
        outside (0, 1); the message names the argument.

    Notes
    -----
    Without a network, the method `blend` takes the mean of the two splatted frames where both cover a pixel,
    the covering one where only one does, and the frame nearer in time, unmoved, where none does (frame 0 at
    t = 0.5). Any other method draws as `stages.composite` says, on the CPU.
    """
    pair = RefinedPair(frame0, frame1, flow01, flow10)
    frames: FloatArray = synthesise_together([pair], times, network, section, device)[0]
    return frames


def synthesise_together(
    pairs: Sequence[RefinedPair],
    times: Sequence[float],
    network: SynthesisNetwork | LightSynthesis | None,
    section: SynthesisSection,
    device: str | torch.device = "cpu",
    importances: Sequence[Importances] = (),
) -> FloatArray:
    """Frames of several pairs, drawn as one batch.

    Parameters
    ----------
    pairs
        At least one, all of one size.
    times, network, section, device
        As for `synthesise`.
    importances
        Of the pixels of each pair; only the light network uses them, and can do without.

    Returns
    -------
    ndarray
        float32, `(len(pairs), len(times), H, W, 3)`, RGB, clamped to 0..1.

    Raises
    ------
    ValueError
        As for `synthesise`, or pairs of several sizes.

    Notes
    -----
    The size of the batch may change the last bits of the result, its other pairs do not.
    """
    for pair in pairs:
        check_pair(pair.frame0, pair.frame1, flow01=pair.flow01, flow10=pair.flow10)
        _check_colours(pair)
    _check_times(times)
    check_one_size([pair.frame0 for pair in pairs])
    with torch.inference_mode(), reproducible():
        result = np.empty((len(pairs), len(times), *pairs[0].frame0.shape), np.float32)
        if network is None and section.chosen_method != "blend":
            for frames, pair in zip(result, pairs, strict=True):
                ready = Composite(*pair)
                frames[:] = [ready.frame(t) for t in times]
            return result
        batch = _to_tensors(pairs, device, importances)
        drawn = _blend(batch, times, section) if network is None else _draw(batch, times, network, section)
        for number, frames in enumerate(drawn):
            result[:, number] = _to_array(frames.clamp(0, 1))
    _check_finite(result)
    return result


def splat_frames(
    frame0: Frame,
    frame1: Frame,
    flow01: Flow,
    flow10: Flow,
    t: float,
    section: SynthesisSection,
    device: str | torch.device = "cpu",
    importances: Importances = (None, None),
) -> SplattedFrames:
    """Both frames carried to one time, before anything is drawn or blended; for looking at.

    Parameters
    ----------
    frame0, frame1, flow01, flow10, section, device
        As for `synthesise`.
    t
        In (0, 1), 0 = frame 0.
    importances
        Of the pixels of frame 0 and frame 1, `(H, W)`; only for the light network.

    Returns
    -------
    SplattedFrames
        Frames and weight sums.

    Raises
    ------
    ValueError
        As for `synthesise`.
    """
    check_pair(frame0, frame1, flow01=flow01, flow10=flow10)
    _check_times([t])
    with torch.inference_mode():
        if section.chosen_method == "composite":
            splat0, splat1 = Composite(frame0, frame1, flow01, flow10).splats(t)
            return SplattedFrames(splat0.colours, splat1.colours, splat0.weights, splat1.weights)
        batch = _to_tensors([RefinedPair(frame0, frame1, flow01, flow10)], device, [importances])
        splatted0, splatted1 = _splat(batch, _importances(batch, section), t)
        return SplattedFrames(
            _to_array(splatted0.values)[0],
            _to_array(splatted1.values)[0],
            _to_array(splatted0.weights)[0, ..., 0],
            _to_array(splatted1.weights)[0, ..., 0],
        )


def blend_mask(
    pair: RefinedPair,
    t: float,
    network: LightSynthesis,
    device: str | torch.device = "cpu",
    importances: Importances = (None, None),
) -> FloatArray:
    """What share of a frame the light network takes from frame 0; for looking at.

    Parameters
    ----------
    pair, network, device
        As for `synthesise_together`.
    t
        In (0, 1), 0 = frame 0.
    importances
        As for `splat_frames`.

    Returns
    -------
    ndarray
        `(H, W)`, 0..1; the rest comes from frame 1.

    Raises
    ------
    ValueError
        As for `synthesise`.
    """
    check_pair(pair.frame0, pair.frame1, flow01=pair.flow01, flow10=pair.flow10)
    _check_times([t])
    with torch.inference_mode(), reproducible():
        batch = _to_tensors([pair], device, [importances])
        drawn = network.to(device)(
            *batch[:4], t, importance01=batch.importance01, importance10=batch.importance10
        )
        return _to_array(drawn.mask)[0, ..., 0]


def importances_in(arrays: Mapping[str, npt.NDArray[Any]]) -> Importances:
    """Importance of the pixels of frame 0 and frame 1, of results of refinement that have it."""
    found = (arrays.get(f"importance{direction}") for direction in ("01", "10"))
    importance01, importance10 = (None if each is None else each.astype(np.float32) for each in found)
    return importance01, importance10


def quantise(
    frames: FloatArray, dtype: Literal["uint8", "float16", "uint16"]
) -> npt.NDArray[np.uint8] | npt.NDArray[np.float16] | npt.NDArray[np.uint16]:
    """Frames as they are cached.

    Parameters
    ----------
    frames
        Float, any shape, 0..1.
    dtype
        `uint8`: 255 times the value, rounded to the nearest, halves to even. `float16`: the nearest half
        float, at most 2.5e-4 away. `uint16`: 65535 times the value, rounded likewise.

    Returns
    -------
    ndarray
        Of `dtype` and the shape of `frames`.

    Raises
    ------
    ValueError
        A value outside 0..1 or not a number, or an unknown `dtype`.
    """
    if dtype not in ("uint8", "float16", "uint16"):
        raise ValueError(f"dtype is {dtype!r}, expected 'uint8', 'float16' or 'uint16'")
    if not ((frames >= 0) & (frames <= 1)).all():
        raise ValueError(f"frames holds values from {frames.min()} to {frames.max()}, expected 0..1")
    if dtype == "uint16":
        deep: npt.NDArray[np.uint16] = np.rint(frames * np.float32(65535)).astype(np.uint16)
        return deep
    return frames.astype(np.float16) if dtype == "float16" else np.rint(frames * 255).astype(np.uint8)


def _check_colours(pair: RefinedPair) -> None:
    if pair.colours0 is None and pair.colours1 is None:
        return
    for name, colours in (("colours0", pair.colours0), ("colours1", pair.colours1)):
        found = None if colours is None else (colours.dtype.name, colours.shape)
        if found != ("float32", pair.frame0.shape):
            raise ValueError(f"{name} is {found}, expected float32 of shape {pair.frame0.shape}")


class _Batch(NamedTuple):
    frame0: Tensor
    frame1: Tensor
    flow01: Tensor
    flow10: Tensor
    importance01: Tensor | None
    importance10: Tensor | None


def _draw(
    batch: _Batch,
    times: Sequence[float],
    network: SynthesisNetwork | LightSynthesis,
    section: SynthesisSection,
) -> Iterator[Tensor]:
    network = network.to(batch.frame0.device)
    height, width = batch.frame0.shape[-2:]
    if isinstance(network, LightSynthesis):
        sources = network.prepare(
            *batch[:4], importance01=batch.importance01, importance10=batch.importance10
        )
        for t in times:
            yield network.draw(*sources, t).frame[..., :height, :width]
        return
    sources = network.prepare(*batch[:4], splatting=section.splatting, alpha=section.softmax_alpha)
    for t in times:
        yield network.draw(*sources, t)[..., :height, :width]


def _blend(batch: _Batch, times: Sequence[float], section: SynthesisSection) -> Iterator[Tensor]:
    importances = _importances(batch, section)
    for t in times:
        splatted0, splatted1 = _splat(batch, importances, t)
        covered0, covered1 = splatted0.weights > 0, splatted1.weights > 0
        nearer = batch.frame0 if t <= 0.5 else batch.frame1
        # Holes hold 0, so that the sum is the covering frame where there is only one.
        mean = (splatted0.values + splatted1.values) / torch.where(covered0 & covered1, 2, 1)
        yield torch.where(covered0 | covered1, mean, nearer)


def _importances(batch: _Batch, section: SynthesisSection) -> tuple[Tensor | None, Tensor | None]:
    frame0, frame1, flow01, flow10, *learned = batch
    is_light = section.chosen_method == "light"
    if section.splatting == "average" and not is_light:
        return None, None
    alpha = ALPHA if is_light else section.softmax_alpha
    importances = [
        brightness_importance(frame0, frame1, flow01, alpha),
        brightness_importance(frame1, frame0, flow10, alpha),
    ]
    for number, importance in enumerate(learned):
        if is_light and importance is not None:
            importances[number] = (importances[number] + importance).clamp(
                -IMPORTANCE_LIMIT, IMPORTANCE_LIMIT
            )
    return importances[0], importances[1]


def _splat(
    batch: _Batch, importances: tuple[Tensor | None, Tensor | None], t: float
) -> tuple[Splatted, Splatted]:
    return (
        splat(batch.frame0, t * batch.flow01, importances[0]),
        splat(batch.frame1, (1 - t) * batch.flow10, importances[1]),
    )


def _check_times(times: Sequence[float]) -> None:
    if len(times) == 0 or any(not 0 < t < 1 for t in times):
        raise ValueError(f"times is {list(times)}, expected at least one, each between 0 and 1")


def _check_finite(frames: FloatArray) -> None:
    bad = np.count_nonzero(~np.isfinite(frames))
    if bad:
        raise ValueError(
            f"the frames drawn hold {bad} values that are not finite: the weights or the precision do not "
            "suit these frames; look at synthesis.weights and synthesis.precision"
        )


def _to_tensors(
    pairs: Sequence[RefinedPair], device: str | torch.device, importances: Sequence[Importances] = ()
) -> _Batch:
    frames0, frames1, flows01, flows10, colours0, colours1 = zip(*pairs, strict=True)
    maps = zip(*(importances or [(None, None)] * len(pairs)), strict=True)
    return _Batch(
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


def _to_array(images: Tensor) -> FloatArray:
    """`(N, C, H, W)` to `(N, H, W, C)`."""
    array: FloatArray = images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return array
