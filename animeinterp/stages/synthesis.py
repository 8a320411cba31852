"""Synthesis: the frames between two frames, drawn by GridNet or put together from the two splatted frames.

References
----------
.. [1] L. Siyao et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 3.3.
   arXiv:2104.02495
.. [2] S. Niklaus, F. Liu, "Softmax Splatting for Video Frame Interpolation", CVPR 2020. arXiv:2003.05534
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from animeinterp.configs.sections import SynthesisSection
from animeinterp.models.arrays import Flow, Frame, check_one_size, check_pair, colour_tensor
from animeinterp.models.light_synthesis import Drawn, LightSynthesis, enlarge
from animeinterp.models.reproducible import reproducible
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.stages.composite import Composite
from animeinterp.stages.pair_batch import (
    NO_HINTS,
    Batch,
    FloatArray,
    Hints,
    RefinedPair,
    check_colours,
    check_times,
    splat_both,
    to_array,
    to_tensors,
    weigh_pixels,
)
from animeinterp.stages.working_size import (
    MASK_PIXELS,
    Size,
    light_size,
    resize_flow,
    resize_map,
    shrink_colours,
    shrink_frame,
)


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
    hints: Sequence[Hints] = (),
) -> FloatArray:
    """Frames of several pairs, drawn as one batch.

    Parameters
    ----------
    pairs
        At least one, all of one size.
    times, network, section, device
        As for `synthesise`.
    hints
        Of each pair; only the light network uses them, and can do without.

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
        check_colours(pair)
    check_times(times)
    check_one_size([pair.frame0 for pair in pairs])
    with torch.inference_mode(), reproducible():
        result = np.empty((len(pairs), len(times), *pairs[0].frame0.shape), np.float32)
        if network is None and section.chosen_method != "blend":
            for frames, pair in zip(result, pairs, strict=True):
                ready = Composite(*pair)
                frames[:] = [ready.frame(t) for t in times]
            return result
        hints = hints or [NO_HINTS] * len(pairs)
        drawn: Iterator[Tensor]
        if isinstance(network, LightSynthesis):
            drawn = (each.frame for each in draw_lightly(pairs, hints, times, network, device))
        elif network is not None:
            drawn = _draw(to_tensors(pairs, device, hints), times, network, section)
        else:
            drawn = _blend(to_tensors(pairs, device, hints), times, section)
        for number, frames in enumerate(drawn):
            result[:, number] = to_array(frames.clamp(0, 1))
    _check_finite(result)
    return result


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


def composite_of(pair: RefinedPair, hints: Hints) -> Composite:
    """A pair ready to be drawn without a network, from the flows that refinement started from, if known."""
    if hints.start_flow01 is None or hints.start_flow10 is None:
        return Composite(*pair)
    return Composite(*pair._replace(flow01=hints.start_flow01, flow10=hints.start_flow10))


def draw_lightly(
    pairs: Sequence[RefinedPair],
    hints: Sequence[Hints],
    times: Sequence[float],
    network: LightSynthesis,
    device: str | torch.device,
) -> Iterator[Drawn]:
    """Frames and masks of the light network, at one time after the other, as `(N, ...)`.

    Parameters
    ----------
    pairs, times, network, device
        As for `synthesise_together`.
    hints
        Of each pair.

    Notes
    -----
    The masks of frames of more than `working_size.MASK_PIXELS` are drawn at a smaller size.
    """
    composites = [composite_of(*each) for each in zip(pairs, hints, strict=True)]
    whole = pairs[0].frame0.shape[:2]
    size = light_size(whole, MASK_PIXELS)
    smaller = [_resized(pair, size) for pair in pairs]
    seen = to_tensors(smaller, device, [_resized_hints(each, size) for each in hints])
    sources = network.to(device).prepare(*seen[:4], importance01=seen[4], importance10=seen[5])
    del seen
    for number, t in enumerate(times, start=1):
        frames = [each.frame(t) for each in composites]
        if number == len(times):
            composites.clear()  # at 1080p each takes 150 MB
        shown = colour_tensor([shrink_colours(frame, size) for frame in frames], device)
        drawn = network.draw(*sources, t, shown)
        if size != whole:  # tensors of this size are made late: while composites are, memory is at its peak
            composite, full = colour_tensor(frames, device), to_tensors(pairs, device, hints)
            drawn = enlarge(drawn, *full[:4], t, composite, importance01=full[4], importance10=full[5])
        yield drawn


def _resized(pair: RefinedPair, size: Size) -> RefinedPair:
    colours = (None if each is None else shrink_colours(each, size) for each in pair[4:])
    return RefinedPair(
        shrink_frame(pair.frame0, size),
        shrink_frame(pair.frame1, size),
        resize_flow(pair.flow01, size),
        resize_flow(pair.flow10, size),
        *colours,
    )


def _resized_hints(hints: Hints, size: Size) -> Hints:
    """The importance alone."""
    return Hints(*(None if each is None else resize_map(each, size) for each in hints[:2]))


def _draw(
    batch: Batch,
    times: Sequence[float],
    network: SynthesisNetwork,
    section: SynthesisSection,
) -> Iterator[Tensor]:
    network = network.to(batch.frame0.device)
    height, width = batch.frame0.shape[-2:]
    sources = network.prepare(*batch[:4], splatting=section.splatting, alpha=section.softmax_alpha)
    for t in times:
        yield network.draw(*sources, t)[..., :height, :width]


def _blend(batch: Batch, times: Sequence[float], section: SynthesisSection) -> Iterator[Tensor]:
    importances = weigh_pixels(batch, section)
    for t in times:
        splatted0, splatted1 = splat_both(batch, importances, t)
        covered0, covered1 = splatted0.weights > 0, splatted1.weights > 0
        nearer = batch.frame0 if t <= 0.5 else batch.frame1
        # Holes hold 0, so that the sum is the covering frame where there is only one.
        mean = (splatted0.values + splatted1.values) / torch.where(covered0 & covered1, 2, 1)
        yield torch.where(covered0 | covered1, mean, nearer)


def _check_finite(frames: FloatArray) -> None:
    bad = np.count_nonzero(~np.isfinite(frames))
    if bad:
        raise ValueError(
            f"the frames drawn hold {bad} values that are not finite: the weights or the precision do not "
            "suit these frames; look at synthesis.weights and synthesis.precision"
        )
