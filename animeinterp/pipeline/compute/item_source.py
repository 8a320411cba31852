"""The source of one item of a stage: source files, and items of earlier stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import Style
from animeinterp.data.images import Frame, image_size, read_deep, read_image, read_linear_frame
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.pipeline.store.shard_manifest import read_manifest
from animeinterp.pipeline.store.shards import ChangedCacheError, DamagedShardError, read_item

if TYPE_CHECKING:
    from animeinterp.stages import segmentation


@dataclass(frozen=True, slots=True)
class UpstreamItem:
    """An item of an earlier stage: its location, and its digest when the work was planned."""

    stage: str
    path: Path
    id: str
    output_digest: str


@dataclass(frozen=True, slots=True)
class ItemSource:
    """Everything from which one item is computed."""

    frames: tuple[Path, ...] = ()
    """The frame, or frame 0 and frame 1."""
    style: Style = "anime"
    truth: Path | None = None
    """The frame in the middle."""
    motion_truth: Path | None = None
    """Exact flows, occlusions and pieces."""
    roi: tuple[float, float, float, float] | None = None
    """x, y, width, height in pixels of `image_size`."""
    image_size: tuple[int, int] | None = None
    """Width, height."""
    flows: tuple[Path, ...] = ()
    """Files with flows made elsewhere, 0 -> 1 and 1 -> 0."""
    upstream: tuple[UpstreamItem, ...] = ()
    times: tuple[float, ...] = ()
    """Times of the frames to make."""

    def size(self) -> tuple[int, int]:
        """Height and width of the source frames, from their headers."""
        return image_size(self.frames[0])

    def frame(self, index: int) -> Frame:
        """Read a source frame: uint8 (H, W, 3), RGB."""
        return read_image(self.frames[index])

    def reads(self, stage: str) -> bool:
        """Whether it reads an earlier stage."""
        return any(item.stage == stage for item in self.upstream)

    def deep_frame(self, index: int) -> NDArray[np.float32]:
        """Colours of a source frame with all bits that it has: float32 (H, W, 3), RGB, 0..1."""
        return read_deep(self.frames[index]).astype(np.float32) / np.float32(65535)

    def linear_frame(self, index: int) -> NDArray[np.float32]:
        """A source frame in scene-linear values: float32 (H, W, 3), RGB, 0 and up."""
        return read_linear_frame(self.frames[index])

    def read(self, stage: str, index: int = 0, names: Sequence[str] | None = None) -> dict[str, Array]:
        """Read arrays of the index-th item of an earlier stage, all by default.

        Raises
        ------
        ChangedCacheError
            The item has changed since planning, or its data are damaged.
        """
        item = [item for item in self.upstream if item.stage == stage][index]
        manifest = read_manifest(item.path)
        while True:
            row = None if manifest is None else manifest.row(item.id)
            if manifest is None or row is None or manifest.items[row].output_digest != item.output_digest:
                raise ChangedCacheError(
                    f"{item.path}: item {item.id!r} disappeared or changed during the run; run again"
                )
            try:
                return read_item(item.path, manifest, row, names)
            except DamagedShardError:
                # Perhaps it was only rewritten between reading the manifest and the data.
                before, manifest = manifest, read_manifest(item.path)
                if manifest == before:
                    raise

    def pieces(self, index: int) -> segmentation.Pieces:
        """Pieces of frame 0 or frame 1."""
        from animeinterp.stages import segmentation

        return segmentation.Pieces(**self.read("segmentation", index))
