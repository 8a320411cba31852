"""Writers of output clips: a video or numbered images, written atomically."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, Self

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.clip import Alpha, Clip, ClipFrame
from animeinterp.data.clips.video import VideoClip
from animeinterp.data.images import AnyFrame
from animeinterp.pipeline.clips.output_files import check_folder, check_name
from animeinterp.pipeline.clips.output_numbers import Numbers
from animeinterp.pipeline.clips.recipe import Recipe
from animeinterp.pipeline.clips.rehearsal import check_times, rehearse
from animeinterp.pipeline.clips.sequence_writer import (
    WRITABLE,
    ImageWriter,
    SequenceWriter,
    is_numbered,
    sequence_name,
    sequence_notes,
    shape_note,
)
from animeinterp.pipeline.clips.timeline import Cadence
from animeinterp.pipeline.clips.video_encoding import ANIMATIONS, CONTAINERS
from animeinterp.pipeline.clips.video_writer import VideoWriter

SUFFIX = re.compile(r"\.(?=.*[a-z])[a-z0-9]{2,5}")
"""What may be meant as the suffix of a file; `v1.0` and `Mr. Robot` are folders."""
MOST_OF_GIF = 50
TOO_FAST = f"players show a GIF of more than {MOST_OF_GIF} frames a second slowly: give --fps {MOST_OF_GIF}"
IMAGES_OF_ONE = 2
"""Images that one frame between is made of."""
LONGEST_NUMBER = 999_999
"""Of an image, as far as its name's length is looked at before any work."""


class ClipWriter(Protocol):
    """Takes the frames of the output clip in order.

    A context manager: the output gets its name by `finish`, and is removed if the context is left without it.

    Raises
    ------
    DataError
        From each of its methods: the output cannot be written.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def original(self, frame: ClipFrame, start: Fraction, duration: Fraction) -> None:
        """Write a frame of the source unchanged, shown from `start` for `duration` seconds."""

    def drawn(self, image: AnyFrame, alpha: Alpha | None, start: Fraction, duration: Fraction) -> None:
        """Write an in-between frame: RGB blended over white, like `ClipFrame.rgb`, and its transparency."""

    def finish(self) -> None:
        """Complete the output, flush it to disk and give it its name."""


@dataclass(frozen=True)
class Output:
    """A place that a clip can be written to.

    Parameters
    ----------
    notes
        Differences from the source, with reasons: pixel format, transparency, sound.
    writer
        Opens its writer, for frames shown at such times.
    notes_on
        Differences that depend on when frames are shown.
    check_times
        Makes sure that it can have frames at such times; raises ConfigError.
    bits
        Bits a channel that it can have.
    recipe
        Of a video: what it is made by.
    """

    notes: tuple[str, ...]
    writer: Callable[[Cadence], ClipWriter]
    notes_on: Callable[[Cadence], tuple[str, ...]] = lambda _: ()
    check_times: Callable[[Cadence], None] = lambda _: None
    bits: int = 8
    recipe: Recipe | None = None


def prepare_output(
    clip: Clip, output: Path, section: ClipSection, *, overwrite: bool = False, only_between: bool = False
) -> Output:
    """Make sure, before any work, that a clip can be written to an output.

    Parameters
    ----------
    clip
        The source.
    output
        A video (by its suffix), a folder, a pattern of numbered images such as `out/%06d.png`, or for two
        images the image between them.
    section
        Codec, quality, pixel format, and whether sound is copied.
    overwrite
        Whether an existing output may be replaced.
    only_between
        Whether only in-between frames are written.

    Raises
    ------
    ConfigError
        The output exists, its suffix is unknown, or the codec and pixel format do not fit it.
    DataError
        Its folder cannot be written.
    """
    check_name(output)
    check_place(clip, output, overwrite=overwrite, only_between=only_between)
    lost: tuple[str, ...] = ()
    if isinstance(clip, VideoClip):
        lost = tuple(f"{what} will be missing" for what in clip.beside_pixels)
    if is_image(clip, output):
        between = ImageWriter(output)
        return Output(sequence_notes(between.name, clip), lambda _: between, bits=between.name.bits)
    if not is_video(clip, output):
        name = sequence_name(output)
        numbers = Numbers(clip, section.slow) if is_numbered(output) else Numbers(None)
        return Output(
            lost + sequence_notes(name, clip),
            lambda cadence: SequenceWriter(
                name, numbers.of(cadence), only_between=only_between, deep=clip.bits > 8
            ),
            numbers.notes,
            bits=name.bits,
        )
    if output.suffix.lower() in ANIMATIONS:
        if isinstance(clip, VideoClip):
            lost += (*shape_note(clip), f"sound and all else is left out: {output.suffix} has none of it")
    elif section.slow > 1 and isinstance(clip, VideoClip) and section.sound:
        lost += ("sound and subtitles are left out: they have another speed than slow motion",)
    recipe, notes = rehearse(clip, output.suffix.lower(), section)
    too_fast = output.suffix.lower() == ".gif"

    def notes_on(cadence: Cadence) -> tuple[str, ...]:
        return (TOO_FAST,) if too_fast and cadence.rate > MOST_OF_GIF else ()

    return Output(
        lost + notes,
        lambda cadence: VideoWriter(output, recipe, cadence),
        notes_on,
        lambda cadence: check_times(recipe, section, cadence),
        recipe.encoding.kind.bits,
        recipe,
    )


def check_place(clip: Clip, output: Path, *, overwrite: bool, only_between: bool) -> None:
    """Make sure that nothing is in the way of an output; what it may be, `prepare_output` says.

    Raises
    ------
    ConfigError, DataError
        As of `prepare_output`.
    """
    _check_inputs(clip, output)
    if is_image(clip, output):
        if not _is_pair(clip):
            raise ConfigError(
                f"{output}: names one image, which is what two images have between them; for more name a "
                f"pattern such as {output.stem}_%06d{output.suffix}, or a folder"
            )
    elif not is_video(clip, output):
        name = sequence_name(output)
        taken = name.present() if is_numbered(output) else _listing(output)
        if taken and not overwrite:
            raise ConfigError(f"{output}: already contains images ({taken[0].name}); add --overwrite")
        check_folder(name.folder / name.file(LONGEST_NUMBER))
        return
    elif only_between:
        raise ConfigError(
            f"{output}: a video of the frames between alone would show nothing in place of the others; "
            "name a folder, or a pattern such as between/%06d.png"
        )
    if output.is_dir():
        raise ConfigError(f"{output}: is a folder; name another output")
    if output.exists() and not overwrite:
        raise ConfigError(f"{output}: exists; add --overwrite to replace it, or name another output")
    check_folder(output)


def is_video(clip: Clip, output: Path) -> bool:
    """Whether an output is a video or an animation; else it is one image, or a sequence of images.

    Raises
    ------
    ConfigError
        It is neither.
    """
    suffix = output.suffix.lower()
    if suffix in CONTAINERS and suffix not in WRITABLE:
        return True
    if suffix in CONTAINERS:  # of an image, too
        return not (output.is_dir() or is_numbered(output) or is_image(clip, output))
    if output.is_dir() or is_numbered(output) or suffix in WRITABLE or not SUFFIX.fullmatch(suffix):
        return False
    raise ConfigError(
        f"{output}: {output.suffix} is not a video format ({', '.join(CONTAINERS)}); for images "
        "name a folder without suffix, or a pattern such as out/%06d.png"
    )


def is_image(clip: Clip, output: Path) -> bool:
    """Whether an output is one image, the frame between two."""
    suffix = output.suffix.lower()
    one = suffix in WRITABLE and not output.is_dir() and not is_numbered(output)
    return one and (suffix not in ANIMATIONS or _is_pair(clip))


def _is_pair(clip: Clip) -> bool:
    return clip.expected_frames == IMAGES_OF_ONE and bool(clip.files)


def _check_inputs(clip: Clip, output: Path) -> None:
    target = output.resolve()
    sources = [path.resolve() for path in clip.sources]
    if target in sources:
        raise ConfigError(f"{output}: is the input itself; name another output")
    if is_video(clip, output) or is_image(clip, output):
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
