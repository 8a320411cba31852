"""Finds out, before any work, what FFmpeg makes of a clip: a second of it, through the very same command."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import av

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.configs.sections import ClipSection, read_rate
from animeinterp.data.clips.clip import Clip, ClipFrame
from animeinterp.data.clips.pictures import UNKNOWN, PictureKind
from animeinterp.data.clips.video import VideoClip
from animeinterp.data.clips.video_files import open_video, packets
from animeinterp.data.image_decoding import read_header
from animeinterp.pipeline.clips.ffmpeg_program import find_program, pixel_formats
from animeinterp.pipeline.clips.joining import join
from animeinterp.pipeline.clips.other_streams import Way, is_cover, named, other_streams
from animeinterp.pipeline.clips.program_run import ProgramError
from animeinterp.pipeline.clips.recipe import Recipe
from animeinterp.pipeline.clips.timeline import Cadence
from animeinterp.pipeline.clips.video_encoding import (
    ANIMATIONS,
    Encoding,
    encodings,
    is_subsampled_oddly,
    unsampled,
)
from animeinterp.pipeline.clips.video_writer import VideoWriter

JOINED = (0, 1, 3, 10)  # where segments that are tried begin and end, in pictures
MOST_COMPARED, MOST_BEFORE = 500, 10  # packets of a stream, those before the pictures
ROUNDING = Fraction(1, 1000)  # s, of the pictures' times, beside a tick of the container
LONGEST_TICK = Fraction(1, 100)  # s; AVI's are whole packets
LONGEST_LEAD_IN = Fraction(1, 10)  # s, of a codec
SAME_SHAPE = 0.01  # Matroska keeps the shape in whole pixels
EMPTY_SUBTITLE = 2  # bytes, by which MP4 ends the one before


def rehearse(clip: Clip, suffix: str, section: ClipSection) -> tuple[Recipe, tuple[str, ...]]:
    """Find the best recipe that works, and what in the output will not be as in the source.

    Raises
    ------
    ConfigError
        There is no FFmpeg, or codec, pixel format and container do not fit together.
    DataError
        There is no room for a try.
    """
    program, video = find_program(section.ffmpeg), clip if isinstance(clip, VideoClip) else None
    plain = ("rgb24", "rgba") if clip.bits == 8 else ("rgb48le", "rgba64le")
    kind = video.kind if video else PictureKind(plain[clip.has_alpha])
    choices = encodings(section, suffix, kind, clip.size, program)
    with_sound = section.sound and section.slow == 1 and suffix not in ANIMATIONS
    others = other_streams(video, suffix, program) if video and with_sound else None
    every = () if others is None else others.ways
    best = tuple(ways[0] for ways in every)
    offset = video.origin - others.base if video and others else Fraction(0)
    recipe = Recipe(clip, suffix, program, next(choices), section.quality, others, best, offset=offset)
    step = _usual_step(clip, section)
    trouble, notes = _trial(recipe, step)
    if trouble is not None:
        try:
            encoding = _working(recipe, choices, section, step)
        except ConfigError:
            if others is None:
                raise
            recipe, notes = rehearse(clip, suffix, section.model_copy(update={"sound": False}))
            return recipe, (*notes, f"all but the pictures is left out: {program} cannot read their file")
        alone = recipe = replace(recipe, encoding=encoding, ways=())
        for ways in every:
            recipe = replace(recipe, ways=(*recipe.ways, _best(ways, alone, step)))
        trouble, notes = _trial(recipe, step)
        if trouble is not None:
            raise ConfigError(_refused(section, recipe, trouble))
    return recipe, (*recipe.encoding.notes, *(way.note for way in recipe.ways if way.note), *notes)


def check_times(recipe: Recipe, section: ClipSection, cadence: Cadence) -> None:
    """Make sure that a recipe's encoder takes the times of a clip's frames, now that they are known.

    Raises
    ------
    ConfigError
        It does not.
    DataError
        There is no room for a try.
    """
    step = _usual_step(recipe.clip, section)
    if recipe.tick(cadence) != recipe.tick(Cadence(2, 1 / step, step, step)):
        trouble, _ = _trial(replace(recipe, others=None, ways=()), cadence.time_base)
        if trouble is not None:
            raise ConfigError(_refused(section, recipe, trouble))


def _usual_step(clip: Clip, section: ClipSection) -> Fraction:
    """From one frame of the output to the next, in seconds, before the clip is known."""
    return 1 / (read_rate(section.fps) if section.fps else clip.rate * 2)


def can_be_joined(segment: Recipe, recipe: Recipe, cadence: Cadence) -> bool:
    """Whether FFmpeg makes of segments what it makes of their pictures at once, each with its time."""
    frame, tick = next(iter(recipe.clip.frames())), cadence.time_base
    times = [round(number / cadence.rate / tick) * tick for number in range(JOINED[-1])]
    tried = replace(recipe, until=_end_of_trial(recipe))
    with tempfile.TemporaryDirectory(prefix="animeinterp-") as name:
        whole, joined = (Path(name, f"{which}{recipe.suffix}") for which in ("whole", "joined"))
        parts = {Path(name, f"{begin}{segment.suffix}"): times[begin:end] for begin, end in pairwise(JOINED)}
        try:
            for path, part in (*parts.items(), (whole, times)):
                with VideoWriter(path, tried if path is whole else segment, cadence) as writer:
                    for start in part:
                        writer.drawn(frame.rgb(), frame.alpha(), start, cadence.last_duration)
                    writer.finish()
            join(list(parts), joined, tried, cadence)
            trouble, _ = _seen(joined, recipe, None)
            return trouble is None and _shown(joined) == _shown(whole)
        except (DataError, OSError):
            return False


def _shown(path: Path) -> list[Fraction]:
    """When the frames of a video are shown, in seconds."""
    return [frame.start for frame in VideoClip(path).frames()]


def _best(ways: tuple[Way, ...], alone: Recipe, step: Fraction) -> Way:
    """The first way that works; where a stream cannot be encoded, FFmpeg's reason is told."""
    said = None
    for way in ways:
        trouble, _ = _trial(replace(alone, ways=(way,)), step)
        if trouble is None:
            break
        said = None if way.is_copy or not way.note else trouble
    return way if said is None else replace(way, note=f"{way.note.partition(': ')[0]}: {said}")


def _working(recipe: Recipe, others: Iterator[Encoding], section: ClipSection, step: Fraction) -> Encoding:
    """The first encoding that takes the pictures."""
    first = None
    for encoding in chain([recipe.encoding], others):
        trouble, _ = _trial(replace(recipe, encoding=encoding, ways=()), step)
        if trouble is None:
            before, name = recipe.encoding, encoding.kind.format
            why = f"pixel format {name}: with {before.kind.format}, {first}"
            if encoding.encoder != before.encoder:
                why = f"{encoding.encoder} encodes the pictures: {before.encoder} refuses them ({first})"
            elif encoding.notes or first is None:
                return encoding
            return replace(encoding, notes=(*encoding.notes, why))
        first = first or trouble
    raise ConfigError(_refused(section, recipe, str(first)))


def _trial(recipe: Recipe, step: Fraction) -> tuple[str | None, tuple[str, ...]]:
    """What is wrong with a recipe, and what is to be said of it."""
    frame = next(iter(recipe.clip.frames()))
    with tempfile.TemporaryDirectory(prefix="animeinterp-") as folder:
        output = Path(folder, f"rehearsal{recipe.suffix}")
        cadence = Cadence(2, 1 / step, step, step)
        try:
            with VideoWriter(output, replace(recipe, until=_end_of_trial(recipe)), cadence) as writer:
                writer.original(frame, Fraction(0), step)
                writer.drawn(frame.rgb(), frame.alpha(), step, step)
                writer.finish()
            return _seen(output, recipe, frame)
        except ProgramError as error:
            return error.said, ()


def _end_of_trial(recipe: Recipe) -> Fraction:
    """When a second of every stream has been seen, in seconds."""
    return Fraction(1) if recipe.others is None else recipe.others.until + 1 - recipe.others.base


def _seen(output: Path, recipe: Recipe, frame: ClipFrame | None) -> tuple[str | None, tuple[str, ...]]:
    """What another FFmpeg, the library that reads, finds wrong or missing in a trial's output."""
    clip, wanted = recipe.clip, recipe.encoding.kind
    try:
        if recipe.suffix in ANIMATIONS:
            height, width = read_header(output).size
            return None if (height, width) == clip.size else f"it makes {width}x{height} of them", ()
        made = VideoClip(output)
    except DataError:
        return "what it writes cannot be read", ()
    if made.size != clip.size:
        return f"it makes {made.size[1]}x{made.size[0]} of them", ()
    if wanted.has_alpha and not made.has_alpha:
        return "it loses transparency", ()
    if not isinstance(clip, VideoClip):
        return None, ()
    notes = []
    if abs(made.aspect / (clip.aspect or 1) - 1) > SAME_SHAPE:
        notes.append(f"pixels of {clip.aspect.numerator}:{clip.aspect.denominator} are written as square")
    lost = list(_lost_colours(clip.kind, wanted, made.kind, clip.size[0]))
    if lost:
        notes.append(f"of the colours, {', '.join(lost)} will be guessed: {recipe.suffix} cannot say it")
    elif (
        frame is not None
        and recipe.encoding.is_lossless(recipe.quality)  # which FFmpeg 7.0's FFV1 is not, at odd sizes
        and wanted.format == clip.kind.format
        and _raw(next(made.frames()).picture) != _raw(getattr(frame, "picture", None))
    ):
        return "it changes pictures that it should keep", ()
    if recipe.others is None:
        return None, tuple(notes)
    taken = [way for way in recipe.ways if way.arguments]
    with open_video(output) as out, open_video(clip.path) as source:
        found = [stream for stream in out.streams if stream.index and stream.type != "data"]
        if len(found) != len(taken):
            return "it leaves a stream out", ()
        for way, stream in zip(taken, found, strict=True):
            of = source.streams[way.stream]
            if is_cover(of) != is_cover(stream):
                return "it makes a film of a cover", ()
            if way.is_copy and _codec(of) != _codec(stream):
                return "it makes something else of it", ()
            if way.is_copy and not _is_in_step(clip, of, made, stream, way):
                return "it moves its times", ()
            if of.type == "audio":
                notes += _lost_sound(of, stream, recipe)
            if of.metadata.get("language", "und") != "und" and "language" not in stream.metadata:
                notes.append(f"{named(of)} loses its language: {recipe.suffix} cannot say it")
        if recipe.others.has_chapters and not out.chapters():
            notes.append(f"chapters are left out: {recipe.suffix} cannot hold them")
    return None, tuple(notes)


def _codec(stream: Any) -> str | None:
    return stream.codec_context and str(stream.codec_context.codec.canonical_name)


def _lost_sound(stream: Any, copy: Any, recipe: Recipe) -> Iterator[str]:
    before, after = stream.codec_context.layout, copy.codec_context.layout
    if after.nb_channels < before.nb_channels:
        yield f"{named(stream)} is mixed down from {before.name} to {after.name}"
    elif "channels" in after.name and before.name not in (
        after.name,
        av.AudioLayout(f"{after.nb_channels}c").name,
    ):
        yield f"{named(stream)} loses its layout, {before.name}: {recipe.suffix} cannot say it"
    begins, base = (stream.start_time or 0) * stream.time_base, recipe.others.base if recipe.others else 0
    if recipe.suffix == ".avi" and begins < base - LONGEST_LEAD_IN:
        yield f"{named(stream)} loses what comes before the first picture: .avi begins with it"


def _raw(picture: Any) -> bytes:
    """A picture's samples."""
    coder: Any = av.CodecContext.create("rawvideo", "w")
    coder.width, coder.height, coder.pix_fmt = picture.width, picture.height, picture.format.name
    coder.time_base = picture.time_base
    return b"".join(map(bytes, coder.encode(picture)))


def _is_in_step(clip: VideoClip, stream: Any, made: VideoClip, copy: Any, way: Way) -> bool:
    """Whether a stream and its copy have the same times, beside the first picture's of each."""
    start = Fraction(0) if made.path.suffix == ".avi" else made.origin  # AVI begins with its pictures
    after = _times(made.path, copy, start, MOST_COMPARED)
    before = _times(clip.path, stream, clip.origin, len(after) + MOST_BEFORE) if after else []
    if str(_codec(stream)).startswith("pcm"):
        before, after = before[:1], after[:1]  # cut into other packets
    near = max(stream.time_base, min(copy.time_base, LONGEST_TICK)) + ROUNDING
    if not way.has_lead_in:
        before = [time for time in before if time >= 0]
    return all(abs(one - other) <= near for one, other in zip(before, after, strict=False))


def _times(path: Path, stream: Any, origin: Fraction, most: int) -> list[Fraction]:
    least = EMPTY_SUBTITLE if stream.type == "subtitle" else 0
    with open_video(path) as container:
        shown = (
            packet.pts * packet.time_base - origin
            for packet in packets(container, container.streams[stream.index])
            if packet.pts is not None and packet.size > least
        )
        return list(islice(shown, most))


def _lost_colours(source: PictureKind, wanted: PictureKind, made: PictureKind, height: int) -> Iterator[str]:
    if not wanted.is_rgb and wanted.scaler_matrix(height) != made.scaler_matrix(height):
        yield "matrix"
    if wanted.is_full_range != made.is_full_range:
        yield "range"
    if source.primaries not in (UNKNOWN, made.primaries):
        yield "primaries"
    if source.transfer not in (UNKNOWN, made.transfer):
        yield "transfer"


def _refused(section: ClipSection, recipe: Recipe, said: str) -> str:
    """What to tell the user when no encoding takes the pictures."""
    codec, encoding, (height, width) = section.codec, recipe.encoding, recipe.clip.size
    name, formats = encoding.kind.format, pixel_formats(recipe.program, encoding.encoder)
    if is_subsampled_oddly(name, (height, width)):
        odd = f"{width}x{height} is odd, and {codec} needs even sizes for"
        if section.pixel_format == "auto":
            listed = ", ".join(formats)
            return (
                f"clip.codec = {codec!r}: {odd} its pixel formats ({listed}); choose h264, h265, vp9 or ffv1"
            )
        whole = unsampled(name, formats)
        choice = f", or {whole}" if whole else " and another codec, such as ffv1"
        return f"clip.pixel_format = {name!r}: {odd} it; choose 'auto'{choice}"
    return (
        f"clip.codec = {codec!r}: its encoder {encoding.encoder} refuses {width}x{height} pixels of {name} "
        f"({said}); choose another codec or pixel format: --set clip.codec=h264 --set clip.pixel_format=auto"
    )
