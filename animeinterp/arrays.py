"""The frames between two frames, from arrays to arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

from animeinterp.configs.loading import Settings, load_config
from animeinterp.configs.sections import check_times
from animeinterp.data.images import to_uint8
from animeinterp.pipeline.compute.array_source import compute_pair
from animeinterp.pipeline.planning.precision import decide_precision

Frames = npt.NDArray[np.uint8]


@overload
def interpolate(
    frame0: Frames, frame1: Frames, t: float = 0.5, *, config: str | Path = ..., settings: Settings = ...
) -> Frames: ...
@overload
def interpolate(
    frame0: Frames, frame1: Frames, t: Sequence[float], *, config: str | Path = ..., settings: Settings = ...
) -> Frames: ...
def interpolate(
    frame0: Frames,
    frame1: Frames,
    t: float | Sequence[float] = 0.5,
    *,
    config: str | Path = "default",
    settings: Settings = (),
) -> Frames:
    """Draw the frame, or the frames, between two frames.

    Parameters
    ----------
    frame0, frame1
        uint8, `(H, W, 3)`, RGB, of one size.
    t
        Time of the frame, above 0 (`frame0`) and below 1 (`frame1`); or several, ascending.
    config
        TOML file or name of a preset.
    settings
        On top of it, by section and key, such as `{"refinement": {"method": "none"}}`.

    Returns
    -------
    uint8 array
        `(H, W, 3)`, RGB; for a sequence of times `(times, H, W, 3)`.

    Raises
    ------
    ValueError
        Frames of another shape or type, or a time outside.
    ConfigError
        The settings are refused.
    WeightsError
        A weights file does not fit.

    Notes
    -----
    The same stages compute it as in a run, with the same result. Nothing is cached but the networks. Frames
    are segmented as anime unless `data.style` or `data.unnamed_style` is `disney`.
    """
    times = check_times(tuple(t) if isinstance(t, Sequence) else (t,))
    loaded = load_config(config, settings)
    timed = loaded.synthesis.model_copy(update={"times": times})
    chosen = decide_precision(loaded.model_copy(update={"synthesis": timed}), record=False)
    results = compute_pair(np.asarray(frame0), np.asarray(frame1), chosen, "synthesis")
    frames = to_uint8(results["synthesis"][0]["frames"])
    return frames if isinstance(t, Sequence) else frames[0]
