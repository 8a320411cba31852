"""Sound, subtitles, fonts and metadata of a video: in which ways FFmpeg may take them into another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.container import InputContainer
from av.stream import Disposition

from animeinterp.data.clips.video import VideoClip
from animeinterp.data.clips.video_files import open_video, packets
from animeinterp.pipeline.clips.ffmpeg_program import FFMPEG_6, library_version
from animeinterp.pipeline.clips.video_encoding import CONTAINERS, ISO

# What players play, of all that FFmpeg writes into a container.
PLAYED = {
    "mp4": "aac|mp3|ac3|eac3|alac|flac|opus|mov_text",
    "mov": "aac|mp3|ac3|eac3|alac|pcm_.*|adpcm_ima_qt|mov_text",
    "avi": "mp3|mp2|ac3|pcm_.*|adpcm_.*",
    "matroska": "(?!tta).*",  # which breaks where it does not last as long as the pictures
}
# What sound is encoded as, and the layouts of channels that players expect of it.
AAC = ("aac", "mono|stereo|3.0|4.0|5.0|5.1")
SOUND = {
    "webm": ("libopus", "mono|stereo|3.0|quad|5.0|5.1|6.1|7.1"),
    "matroska": ("flac", "mono|stereo|3.0|quad|5.0|5.1|6.1|7.1"),
    "avi": ("ac3", "mono|stereo|5.1"),  # has the shortest lead-in, which AVI cannot say
}
SUBTITLES = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
# Says how a file was made and not what is in it, or counts frames of a rate that is no more.
OF_THE_FILE = re.compile(
    r"major_brand|minor_version|compatible_brands|encoder|duration|vendor_id|rotate|alpha_mode|timecode|"
    r"(bps|number_of_frames|number_of_bytes|_statistics_\w+|duration)(-\w+)?",
    re.IGNORECASE,
)
MATROSKA = ("matroska", "webm")
OPUS_LEAD_IN = Fraction(312, 48000)  # s, of libopus; FFmpeg 5 has Opus begin that much too early in Matroska
IMAGE_TYPES = {"png": "png", "mjpeg": "jpeg"}
# The source as FFmpeg's inputs. Subtitles have one of their own: it reads on until the next of them, and how
# far sound of the same input then gets ahead of the pictures in the output depends on chance.
READER, SUBTITLE_READER = 1, 2


@dataclass(frozen=True, slots=True)
class Way:
    """How a stream of a source goes into an output."""

    stream: int
    """Its index in the source."""
    arguments: tuple[str, ...] = ()
    """For FFmpeg; `{k}` stands for the stream's index in the output, `{folder}` for where its file is."""
    note: str = ""
    """What becomes of it that the user would miss."""
    is_copy: bool = False
    """Whether its packets keep their times, as one can look up."""
    has_lead_in: bool = True
    """Whether those that come before the output begins go along."""
    file: tuple[str, bytes] | None = None
    """Name and content of a file in the folder."""


@dataclass(frozen=True)
class OtherStreams:
    """Everything in a video but its pictures."""

    arguments: tuple[str, ...]
    """For FFmpeg, that describe the whole and its pictures."""
    base: Fraction
    """The source's time at which the output begins: later than 0 where its clock does not start there."""
    until: Fraction
    """When the last of its sounds begins, in the source's time."""
    ways: tuple[tuple[Way, ...], ...]
    """For each stream, the best first; none where only its last, with nothing but a note, is left."""
    has_chapters: bool


def other_streams(clip: VideoClip, suffix: str, program: str) -> OtherStreams:
    """List what there is beside the pictures, and how FFmpeg might take it into a file of that suffix."""
    late = CONTAINERS[suffix] in MATROSKA and library_version(program) < FFMPEG_6
    with open_video(clip.path) as source:
        pictures, chapters = source.streams[clip.stream_index], source.chapters()
        starts = [clip.origin] + [
            stream.start_time * stream.time_base
            for stream in source.streams.audio
            if stream.start_time is not None and stream.time_base is not None
        ]
        # AVI begins with its pictures.
        base = clip.origin if suffix == ".avi" else min(clip.origin, max(Fraction(0), min(starts)))
        others = [
            stream
            for stream in source.streams
            if stream.index != clip.stream_index and not (chapters and stream.name == "bin_data")
        ]
        # Attachments come last in every file, pictures among them at the very end.
        last = ("subtitle", "attachment", "video")
        others.sort(key=lambda stream: last.index(stream.type) + 1 if stream.type in last else 0)
        flags = "+".join(str(flag.name) for flag in Disposition if flag in pictures.disposition)
        described = ("-map_metadata", "1", "-map_chapters", "1", *_without("", source.metadata))
        return OtherStreams(
            (*described, *_metadata(pictures, "v:0"), "-disposition:v:0", flags or "0"),
            base,
            max(starts),
            tuple(tuple(_ways(source, stream, suffix, late=late)) for stream in others),
            bool(chapters),
        )


def _ways(source: InputContainer, stream: Any, suffix: str, *, late: bool) -> Iterator[Way]:
    container, name, index = CONTAINERS[suffix], named(stream), stream.index
    codec = stream.codec_context and stream.codec_context.codec
    reader = SUBTITLE_READER if stream.type == "subtitle" else READER
    mapped = ("-map", f"{reader}:{index}", *_metadata(stream, "{k}"))
    title = stream.metadata.get("title", stream.metadata.get("name"))  # to MP4, it is the latter
    if title is not None:
        mapped += ("-metadata:s:{k}", f"title={title}")
        mapped += ("-metadata:s:{k}", f"handler_name={title}") if container in ISO else ()
    bare = (*mapped, "-c:{k}", "copy", "-copypriorss:{k}", "0")  # without what is before the output begins
    copied = (*bare[:-1], "1")
    if late and codec and codec.canonical_name == "opus":
        copied += ("-bsf:{k}", f"setts=ts=TS+{round(_opus_lead_in(stream.codec_context) * 1000)}")
    missing = f"{suffix} cannot hold it"
    if stream.type == "attachment":
        missing = "only .mkv holds attachments"
        if container == "matroska":
            unnamed = () if "filename" in stream.metadata else ("-metadata:s:{k}", "filename=attachment")
            yield Way(index, (*copied, *unnamed))
    elif is_cover(stream):
        if container != "matroska":
            yield Way(index, copied)
        elif codec and codec.canonical_name in IMAGE_TYPES:
            yield _attached(source, stream, IMAGE_TYPES[codec.canonical_name])
    elif stream.type == "video":
        missing = "a clip has one stream of pictures"
    elif stream.type not in ("audio", "subtitle") or not codec:
        missing = "its content is unknown"
    else:
        why = f"few players know it in {suffix}"
        if re.fullmatch(PLAYED.get(container, ".*"), codec.canonical_name):
            why = f"{suffix} cannot hold it unchanged"
            yield Way(index, copied, is_copy=True)
            if container == "avi":  # which begins at 0: without a codec's lead-in it may be in step
                yield Way(index, bare, is_copy=True, has_lead_in=False)
        if stream.type == "audio":
            encoder, layouts = SOUND.get(container, AAC)
            gaps = "aresample=async=1" + (":first_pts=0" if container == "avi" else "")
            gaps += f",asetpts=PTS+{float(OPUS_LEAD_IN)}/TB" if late and encoder == "libopus" else ""
            filters = f"{gaps},aformat=channel_layouts={layouts}"
            note = f"{name} is re-encoded as {encoder.removeprefix('lib')}: {why}"
            yield Way(index, (*mapped, "-c:{k}", encoder, "-filter:{k}", filters), note)
        elif codec.text_sub and container in SUBTITLES:
            encoder = SUBTITLES[container]
            note = f"{name} is converted to {encoder}, which may lose styles: {why}"
            yield Way(index, (*mapped, "-c:{k}", encoder), note)
    yield Way(index, note=f"{name} is left out: {missing}")


def _opus_lead_in(decoder: Any) -> Fraction:
    """Seconds that its header (RFC 7845, section 5.1) says come before the sound."""
    header = decoder.extradata or b""
    return Fraction(int.from_bytes(header[10:12], "little"), 48000) if len(header) > 12 else OPUS_LEAD_IN


def _attached(source: InputContainer, stream: Any, kind: str) -> Way:
    """A picture as attachment, which Matroska keeps it as."""
    source.seek(0)
    content = next((bytes(packet) for packet in packets(source, stream) if packet.size), b"")
    name = f"cover.{kind.replace('jpeg', 'jpg')}"
    described = ("-metadata:s:{k}", f"mimetype=image/{kind}", "-metadata:s:{k}", f"filename={name}")
    return Way(stream.index, ("-attach", f"{{folder}}/{name}", *described), file=(name, content))


def _metadata(stream: Any, place: str) -> tuple[str, ...]:
    """Arguments that say of a stream of the output what the source says of its own."""
    copied = (f"-map_metadata:s:{place}", f"{READER}:s:{stream.index}")
    return (*copied, *_without(f":s:{place}", stream.metadata))


def _without(place: str, metadata: dict[str, str]) -> tuple[str, ...]:
    dropped = [key for key in metadata if OF_THE_FILE.fullmatch(key)]
    return tuple(word for key in dropped for word in (f"-metadata{place}", f"{key}="))


def is_cover(stream: Any) -> bool:
    """Whether a stream is a picture that players show beside a file's name."""
    return stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)


def named(stream: Any) -> str:
    """What the user is told of a stream."""
    kind = {"video": "picture", "audio": "sound"}.get(stream.type, stream.type)
    codec = f", {stream.codec_context.codec.canonical_name}" if stream.codec_context is not None else ""
    name = stream.metadata.get("filename") or stream.metadata.get("language", "und")
    return f"{kind} stream {stream.index}{codec}" + (f" ({name})" if name != "und" else "")
