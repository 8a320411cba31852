"""The frames of a clip that stages read: files in the cache, or the clip's own images if suitable."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np

from animeinterp.configs.errors import DataError
from animeinterp.data.clips.clip import Alpha, Clip, ClipFrame
from animeinterp.data.clips.clip_scan import ClipScan
from animeinterp.data.images import (
    AnyFrame,
    DeepFrame,
    Frame,
    LinearFrame,
    read_deep,
    read_image,
    read_linear_frame,
    write_image,
)
from animeinterp.pipeline.results.cache_contents import CLIPS_FOLDER

READABLE_NAME = 60  # characters of a clip's name kept in names of folders and pairs
DIGEST_SHOWN = 12
SCENE_LINEAR = 32  # bits of a clip


class ClipFrames:
    """Frames of one clip as files, without its black bars; written on demand.

    A video is decoded once from the start if frames are requested in ascending order; existing files are not
    written again.

    Parameters
    ----------
    clip
        The clip.
    digest
        Result of `clip.digest()`.
    scan
        Its bars are cut off.
    cache
        `store.cache`; frames go to `<cache>/clips/<clip>/`.
    """

    def __init__(self, clip: Clip, digest: str, scan: ClipScan, cache: Path) -> None:
        self._clip, self._scan = clip, scan
        self.folder = clip_folder(cache, clip.name, digest)
        bars = "-".join(map(str, scan.bars)) if self.has_bars else "whole"
        self._suffix = ".exr" if clip.bits == SCENE_LINEAR else ".png"
        self._frames = self.folder / "frames" / (bars if clip.bits == 8 else f"{bars}-{clip.bits}")
        self._images = () if self.has_bars else clip.files
        self._reading = iter(clip.frames())

    @property
    def has_bars(self) -> bool:
        """Whether there is anything to cut off."""
        return any(self._scan.bars)

    @property
    def name(self) -> str:
        """Prefix of the ids of frames and pairs."""
        return readable_name(self._clip.name)

    def path(self, index: int) -> Path:
        """File of a frame; exists only after `write`."""
        if self._images:
            return self._images[index]
        return self._frames / f"{index:06d}{self._suffix}"

    def alpha_path(self, index: int) -> Path:
        """File of a frame's transparency, of a clip that has any."""
        return self._frames / f"{index:06d}_alpha.png"

    def is_there(self, index: int) -> bool:
        """Whether a frame has been written, or needs not be."""
        return self.path(index).is_file() and (not self._clip.has_alpha or self.alpha_path(index).is_file())

    def write(self, indices: Iterable[int], progress: Callable[[int], None]) -> None:
        """Write the frames that are missing, given in ascending order.

        Parameters
        ----------
        indices
            Positions in the clip.
        progress
            Called with 1 for each frame that is ready.

        Raises
        ------
        DataError
            The folder cannot be written, or the clip has fewer frames than when it was scanned.
        """
        for index in indices:
            if not self.is_there(index):
                self._write(self._read(index))
            progress(1)

    def discard(self, indices: Iterable[int]) -> None:
        """Delete files of frames that have been written; the clip's own images stay."""
        for index in indices:
            own = () if self._images else (self.path(index),)
            for path in (*own, self.alpha_path(index)):
                path.unlink(missing_ok=True)

    def picture(self, index: int) -> Frame:
        """A frame that has been written: uint8 `(H, W, 3)`."""
        return read_image(self.path(index))

    def deep(self, index: int) -> DeepFrame:
        """The same with 16 bits a channel."""
        return read_deep(self.path(index))

    def linear(self, index: int) -> LinearFrame:
        """The same in scene-linear values."""
        return read_linear_frame(self.path(index))

    def alpha(self, index: int) -> Alpha:
        """Its transparency: uint8 `(H, W)`."""
        return np.ascontiguousarray(read_image(self.alpha_path(index))[:, :, 0])

    def inner(self, image: np.ndarray) -> np.ndarray:
        """The part of an image without the black bars: a view."""
        above, below, left, right = self._scan.bars
        height, width = image.shape[:2]
        return image[above : height - below, left : width - right]

    def _read(self, index: int) -> ClipFrame:
        frame = next(self._reading, None)
        if frame is not None and frame.index > index:
            self._reading = iter(self._clip.frames())
            return self._read(index)
        while frame is not None and frame.index < index:
            frame = next(self._reading, None)
        if frame is None:
            raise fewer_frames(self._clip, index)
        return frame

    def _whole(self, frame: ClipFrame) -> AnyFrame:
        if self._clip.bits == SCENE_LINEAR:
            return frame.linear()
        return frame.rgb() if self._clip.bits == 8 else frame.deep()

    def _write(self, frame: ClipFrame) -> None:
        if not self._images:
            write_image(self.path(frame.index), np.ascontiguousarray(self.inner(self._whole(frame))))
        if self._clip.has_alpha:
            alpha = frame.alpha()
            opaque = np.full(self._scan.size, 255, np.uint8)
            inner = np.ascontiguousarray(self.inner(opaque if alpha is None else alpha))
            write_image(self.alpha_path(frame.index), cv2.cvtColor(inner, cv2.COLOR_GRAY2RGB))


def clip_folder(cache: Path, name: str, digest: str) -> Path:
    """Cache folder of a clip."""
    return cache / CLIPS_FOLDER / f"{readable_name(name)}-{digest[:DIGEST_SHOWN]}"


def readable_name(name: str) -> str:
    """A clip's name, restricted to characters for ids and folders."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:READABLE_NAME] or "clip"


def fewer_frames(clip: Clip, index: int) -> DataError:
    """Error for a clip that ends before a frame that existed when it was scanned."""
    return DataError(
        f"{clip.sources[0]}: ends before frame {index}, which existed before; the file was changed during "
        "the run: run the same command again"
    )
