"""Writers of output clips: a video or numbered images, written atomically."""

from __future__ import annotations

import re
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import av

from configs.errors import ConfigError, DataError
from configs.sections import ClipSection
from data.clips.clip import Alpha, Clip, ClipFrame
from data.clips.pictures import PictureKind
from data.clips.video import VideoClip
from data.images import Frame
from pipeline.clips.other_streams import OtherStreams
from pipeline.clips.output_files import check_folder, check_name
from pipeline.clips.sequence_writer import (
    WRITABLE,
    SequenceWriter,
    is_numbered,
    sequence_name,
    sequence_notes,
)
from pipeline.clips.video_encoding import CONTAINERS, Encoding, choose_encoding
from pipeline.clips.video_writer import VideoWriter, add_pictures

SUFFIX = re.compile(r"\.(?=.*[a-z])[a-z0-9]{2,5}")
"""What may be meant as the suffix of a file; `v1.0` and `Mr. Robot` are folders."""
LONGEST_NUMBER = 999_999
"""Of an image, as far as its name's length is looked at before any work."""


class ClipWriter(Protocol):
    """Takes the frames of the output clip in order.

    A context manager: the output gets its name by `finish`, and is removed if the context is left without it.
    """

    @property
    def notes(self) -> tuple[str, ...]:
        """Differences of the output from the source, with reasons: pixel format, transparency, sound."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def original(self, frame: ClipFrame, start: Fraction, duration: Fraction) -> None:
        """Write a frame of the source unchanged, shown from `start` for `duration` seconds."""

    def drawn(self, image: Frame, alpha: Alpha | None, start: Fraction, duration: Fraction) -> None:
        """Write an in-between frame: RGB blended over white, like `ClipFrame.rgb`, and its transparency."""

    def finish(self) -> None:
        """Complete the output, flush it to disk and give it its name."""


def check_output(
    clip: Clip, output: Path, section: ClipSection, *, overwrite: bool = False, only_between: bool = False
) -> tuple[str, ...]:
    """Make sure, before any work, that a clip can be written to an output.

    Parameters
    ----------
    clip
        The source.
    output
        A video (by its suffix), a folder, or a pattern of numbered images such as `out/%06d.png`.
    section
        Codec, quality, pixel format, and whether sound is copied.
    overwrite
        Whether an existing output may be replaced.
    only_between
        Whether only in-between frames are written.

    Returns
    -------
    The writer's notes: differences of the output from the source, with reasons.

    Raises
    ------
    ConfigError
        The output exists, its suffix is unknown, or the codec and pixel format do not fit it.
    DataError
        Its folder cannot be written.
    """
    check_name(output)
    _check_place(clip, output)
    if not is_video(output):
        name = sequence_name(output)
        taken = name.present() if is_numbered(output) else _listing(output)
        if taken and not overwrite:
            raise ConfigError(f"{output}: already contains images ({taken[0].name}); add --overwrite")
        check_folder(name.folder / name.file(LONGEST_NUMBER))
        return sequence_notes(name, has_alpha=clip.has_alpha)
    if only_between:
        raise ConfigError(
            f"{output}: a video of the frames between alone would show nothing in place of the others; "
            "name a folder, or a pattern such as between/%06d.png"
        )
    if output.is_dir():
        raise ConfigError(f"{output}: is a folder; name another output")
    if output.exists() and not overwrite:
        raise ConfigError(f"{output}: exists; add --overwrite to replace it, or name another output")
    check_folder(output)
    encoding = _encoding(clip, output, section)
    return encoding.notes + _stream_notes(clip, output, section, encoding)


def open_writer(
    clip: Clip,
    output: Path,
    section: ClipSection,
    *,
    time_base: Fraction,
    rate: Fraction,
    overwrite: bool = False,
    only_between: bool = False,
) -> ClipWriter:
    """Writer of an output, chosen by its name.

    Parameters
    ----------
    clip, output, section, overwrite, only_between
        As of `check_output`, which is called again.
    time_base
        Unit of time, in seconds, of which all starts are multiples, see `common_time_base`.
    rate
        Frames a second that will be written, their mean where it varies.

    Raises
    ------
    ConfigError, DataError
        As of `check_output`.
    """
    check_output(clip, output, section, overwrite=overwrite, only_between=only_between)
    if not is_video(output):
        return SequenceWriter(sequence_name(output), only_between=only_between, has_alpha=clip.has_alpha)
    return VideoWriter(
        clip,
        output,
        section,
        _encoding(clip, output, section),
        time_base=time_base,
        rate=rate,
    )


def is_video(output: Path) -> bool:
    """Whether an output is a video; else it is a sequence of images.

    Raises
    ------
    ConfigError
        It is neither.
    """
    suffix = output.suffix.lower()
    if suffix in CONTAINERS:
        return True
    if output.is_dir() or is_numbered(output) or not SUFFIX.fullmatch(suffix):
        return False
    if suffix in WRITABLE:
        raise ConfigError(
            f"{output}: names one image, but a clip has many; name a pattern such as "
            f"{output.stem}_%06d{output.suffix}, or a folder"
        )
    raise ConfigError(
        f"{output}: {output.suffix} is not a video format ({', '.join(CONTAINERS)}); for images "
        "name a folder without suffix, or a pattern such as out/%06d.png"
    )


def _check_place(clip: Clip, output: Path) -> None:
    target = output.resolve()
    sources = [path.resolve() for path in clip.sources]
    if target in sources:
        raise ConfigError(f"{output}: is the input itself; name another output")
    if is_video(output):
        return
    folder = sequence_name(target).folder
    if not isinstance(clip, VideoClip) and any(path.parent == folder for path in sources):
        raise ConfigError(
            f"{output}: the folder of the input's own images, which would be mixed with the output; name "
            "another folder"
        )


def _listing(folder: Path) -> list[Path]:
    if not folder.is_dir():
        if folder.exists():
            raise DataError(f"{folder}: is a file, not a folder; name another output")
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _encoding(clip: Clip, output: Path, section: ClipSection) -> Encoding:
    kind = clip.kind if isinstance(clip, VideoClip) else PictureKind("rgba" if clip.has_alpha else "rgb24")
    return choose_encoding(section, output.suffix.lower(), kind, clip.size)


def _stream_notes(clip: Clip, output: Path, section: ClipSection, encoding: Encoding) -> tuple[str, ...]:
    """Notes on sound and subtitles, determined without writing an output."""
    if not section.sound or not isinstance(clip, VideoClip):
        return ()
    with av.open(BytesIO(), "w", format=CONTAINERS[output.suffix.lower()]) as rehearsal:
        add_pictures(rehearsal, encoding, clip, section, clip.rate)
        streams = OtherStreams(clip, rehearsal)
        streams.close()
        return tuple(streams.notes)
