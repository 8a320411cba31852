"""Initial flows of the refinement in training: zero, or those of inverse search with added errors.

In a run the light refinement starts from what inverse search makes of whole frames, with the help of coarse
flow and pieces. So it does here: the flows of whole scenes are computed once and kept, before training; a
crop alone, without what lies around it, gives far worse ones.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import CacheError
from animeinterp.configs.files import replace_file
from animeinterp.configs.loading import load_config
from animeinterp.configs.sections import TrainingSection
from animeinterp.data.cutouts import KeptScene
from animeinterp.data.cutouts.drawn_scenes import DrawnScenes
from animeinterp.data.cutouts.processes import in_processes
from animeinterp.pipeline.compute.array_source import compute_pair
from animeinterp.pipeline.store.fingerprints import canonical_digest
from animeinterp.pipeline.training.scenes import Source
from animeinterp.stages.composite import Composite
from animeinterp.stages.inverse_search import search_flows

NOISE_CELL = 32
"""Pixels between the random vectors that are interpolated to smooth noise."""
LOST = 0.3
"""Share of noisy starts in which a part has no motion, like a piece without a match."""
STARTS_VERSION = 1
"""Increased whenever the same scene gives other flows."""
FOLDER = "starts"
CHUNK = 64
"""Scenes in a file."""
STEP = 64
"""Flows of inverse search are multiples of 1/64 px."""
METHOD = {"refinement": {"method": "inverse_search"}, "features": {"method": "appearance"}}

Frame = NDArray[np.uint8]
Flow = NDArray[np.float32]
Flows = NDArray[np.float32]


def searched_flows(scene: KeptScene, *, exact: bool) -> Flows:
    """Flows of a scene in both directions, as `inverse_search` finds them from its coarse flow.

    Parameters
    ----------
    scene
        Frames and flows.
    exact
        Whether its flows are the true ones, which are not looked at; else they are coarse flows.

    Returns
    -------
    ndarray
        float32, `(2, 2, H, W)`, pixels: from frame 0 to frame 1, and back.
    """
    first, last = (np.ascontiguousarray(scene.frames[k]) for k in (0, 2))
    if not exact:
        return np.stack(search_flows(first, last, *scene.flows.astype(np.float32)))
    found = compute_pair(first, last, load_config("default", METHOD), "refinement")["refinement"][0]
    return np.stack([found[f"refined_flow{direction}"] for direction in ("01", "10")])


@dataclass(frozen=True)
class Starts:
    """The searched flows of scenes, from files where they are kept.

    Parameters
    ----------
    scenes
        Their scenes.
    root
        Folder of the files; None = nothing is kept.
    """

    scenes: Source
    root: Path | None

    @classmethod
    def of(cls, scenes: Source, cache: Path) -> Starts:
        """Those of scenes of which there is an end."""
        facts = {"version": STARTS_VERSION, "scenes": scenes.digest}
        endless = isinstance(scenes, DrawnScenes)
        return cls(scenes, None if endless else cache / FOLDER / canonical_digest(facts))

    def flows(self, position: int, scene: KeptScene) -> Flows:
        """The flows of a scene; computed if they are not kept, with the same result."""
        if self.root is None:
            return searched_flows(scene, exact=self.scenes.exact)
        try:
            with self._chunk(position // CHUNK).open("rb") as stream, np.load(stream) as kept:
                return np.asarray(kept[str(position)].astype(np.float32) / STEP)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):  # missing or damaged
            return searched_flows(scene, exact=self.scenes.exact)

    def prepare(self, count: int, workers: int) -> Iterator[tuple[int, int]]:
        """Compute and keep what is missing; yields the number of files that are there, and that of all.

        Parameters
        ----------
        count
            Scenes that are needed, from the first.
        workers
            Processes, from 1.

        Raises
        ------
        CacheError
            The folder cannot be written.
        DataError
            A scene cannot be read.
        """
        if self.root is None:
            return
        chunks = range(-(-min(count, len(self.scenes)) // CHUNK))
        missing = [chunk for chunk in chunks if not self._chunk(chunk).exists()]
        done = len(chunks) - len(missing)
        for _ in in_processes(partial(_write_chunk, self), missing, workers):
            done += 1
            yield done, len(chunks)

    def _chunk(self, number: int) -> Path:
        return (self.root or Path()) / f"{number:05d}.npz"


def _write_chunk(starts: Starts, chunk: int) -> None:
    scenes, found = starts.scenes, {}
    for position in range(chunk * CHUNK, min(len(scenes), (chunk + 1) * CHUNK)):
        flows = searched_flows(scenes.scene(position), exact=scenes.exact)
        found[str(position)] = np.rint(flows * STEP).clip(-(2**15), 2**15 - 1).astype(np.int16)
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **found)
    path = starts._chunk(chunk)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, packed.getvalue())
    except OSError as error:
        raise CacheError(f"{path}: cannot be written ({error}); free or choose another store.cache") from None


def composite_of(frame0: Frame, frame1: Frame, flows: Flows, t: float) -> NDArray[np.float32]:
    """The frame at a time, as `stages.composite` makes it of flows: float32, `(H, W, 3)`, RGB, 0..1."""
    first, last = (np.ascontiguousarray(frame) for frame in (frame0, frame1))
    return Composite(first, last, *np.ascontiguousarray(flows)).frame(t)


def starting_flows(found: Flows, section: TrainingSection, rng: np.random.Generator) -> Flows:
    """Initial flows in both directions: those found, with errors, or zero.

    Parameters
    ----------
    found
        float32, `(2, 2, H, W)`, pixels.
    section
        Uses its `zero_starts` and `start_noise`.
    rng
        Source of randomness.

    Returns
    -------
    ndarray
        As `found`.
    """
    if rng.random() < section.zero_starts:
        return np.zeros_like(found)
    if not section.start_noise:
        return found
    flows = found.copy()
    strength = section.start_noise * rng.random()
    for flow in flows:
        if rng.random() < LOST:
            _lose_part(flow, rng)
        flow += strength * smooth_noise(flow.shape[1:], rng)
    return flows


def smooth_noise(size: tuple[int, int], rng: np.random.Generator) -> Flow:
    """Random vectors that change gradually, `(2, H, W)`, of standard deviation 1 where they were drawn."""
    grid = rng.standard_normal((*(side // NOISE_CELL + 2 for side in size), 2)).astype(np.float32)
    enlarged = cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(enlarged.transpose(2, 0, 1))


def _lose_part(flow: Flow, rng: np.random.Generator) -> None:
    """Set an ellipse to no motion, in place."""
    height, width = flow.shape[1:]
    y, x = np.ogrid[:height, :width]
    middle_y, middle_x = rng.random() * height, rng.random() * width
    radius_y, radius_x = rng.uniform(0.05, 0.25, 2) * (height, width)
    flow[:, ((y - middle_y) / radius_y) ** 2 + ((x - middle_x) / radius_x) ** 2 < 1] = 0
