"""Choice of encoder, pixel format, colours and options from the settings and the source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction
from functools import lru_cache
from io import BytesIO

import av
import cv2
from av.codec.codec import Codec, UnknownCodecError, find_best_pix_fmt_of_list
from av.codec.context import Flags

from configs.errors import ConfigError
from configs.sections import ClipSection
from data.clips.pictures import BT709, FULL, HD_HEIGHT, LIMITED, RGB, UNKNOWN, PictureKind

CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
}
USUAL_ENCODERS = {
    "h264": ("libx264", "libopenh264"),
    "h265": ("libx265",),
    "hevc": ("libx265",),
    "av1": ("libsvtav1", "libaom-av1"),
    "vp9": ("libvpx-vp9",),
    "vp8": ("libvpx",),
    "prores": ("prores_ks",),
}
COMMON = ("h264", "h265", "av1", "vp9", "ffv1", "prores", "qtrle", "mpeg4")
# Codecs that players expect in 4:2:0: RGB sources are converted even if RGB could be encoded.
FOR_PLAYERS = ("h264", "hevc", "av1", "vp9", "vp8", "mpeg4", "mpeg2video")
THREADS = (
    4  # fixed, since the output of x264 and x265 depends on it, and the same clip must give the same file
)
AVX_512F = 13  # OpenCV's CPU_AVX_512F
SMPTE170M = 6  # AVCOL_SPC of BT.601
SRGB = 13  # AVCOL_TRC
QUALITY_PER_QUANTISER = 6  # steps of CRF per step of the quantiser of older codecs
EVEN = ("av1",)  # codecs whose encoders silently cut a line off odd sizes
MOST_LISTED = 16


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding of a video."""

    encoder: str
    """FFmpeg's name of the encoder."""
    kind: PictureKind
    """Kind of its input pictures."""
    notes: tuple[str, ...] = ()
    """Differences from the source, with reasons."""


def choose_encoding(
    section: ClipSection, suffix: str, source: PictureKind, size: tuple[int, int]
) -> Encoding:
    """Choose encoder and pixel format.

    Parameters
    ----------
    section
        Codec, quality and pixel format.
    suffix
        Of the container, such as `.mp4`.
    source
        Kind of the source's pictures.
    size
        Height and width.

    Raises
    ------
    ConfigError
        The codec is unknown, the container cannot hold it, or it lacks the pixel format.
    """
    encoder = find_encoder(section.codec)
    _check_container(section.codec, encoder, suffix)
    name, notes = _pixel_format(section, encoder, source, size)
    kind = _colours(name, source, size[0])
    trouble = trial(encoder, kind, size, section.quality)
    if trouble is not None:
        raise ConfigError(
            f"clip.codec = {section.codec!r}: its encoder {encoder} refuses {size[1]}x{size[0]} pixels of "
            f"{name} ({trouble}); choose another codec or pixel format: --set clip.codec=h264 "
            "--set clip.pixel_format=auto"
        )
    if source.has_alpha and not kind.has_alpha:
        able = [codec for codec in ("ffv1", "prores", "vp9") if codec != section.codec]
        notes.append(
            f"transparency is replaced by white: {section.codec} with {name} has none; "
            f"{', '.join(able)} keep it"
        )
    if kind.bits < source.bits:
        notes.append(
            f"{source.bits} bits per channel become {kind.bits}: {section.codec} is written as {name}"
        )
    return Encoding(encoder, kind, tuple(notes))


def find_encoder(codec: str) -> str:
    """FFmpeg's name of the encoder of a codec.

    Raises
    ------
    ConfigError
        There is no such encoder for pictures.
    """
    for name in (*USUAL_ENCODERS.get(codec, ()), codec):
        try:
            found = Codec(name, "w")
        except UnknownCodecError:
            continue
        if found.type == "video":
            return found.name
    close = get_close_matches(codec, {*USUAL_ENCODERS, *COMMON}, n=3) or get_close_matches(codec, _encoders())
    meant = f"did you mean {' or '.join(close)}? " if close else ""
    raise ConfigError(
        f"clip.codec = {codec!r} is not a video codec that this FFmpeg can write; {meant}commonly available: "
        f"{', '.join(COMMON)}"
    )


def encoder_options(encoder: str, quality: int) -> dict[str, str]:
    """Options of an encoder for constant quality; 0 is lossless if possible."""
    lossless = quality == 0
    match encoder:
        case "libx264" | "libx264rgb":
            asm = {"x264-params": "asm=AVX2"} if _has_avx512() else {}
            return {"preset": "medium", **({"qp": "0"} if lossless else {"crf": str(quality)}), **asm}
        case "libx265":
            rate = "lossless=1" if lossless else f"crf={quality}"
            return {"preset": "medium", "x265-params": f"{rate}:frame-threads=2:log-level=none"}
        case "libsvtav1":
            return {"preset": "6", "crf": str(quality)}
        case "libvpx-vp9":
            rate9 = {"lossless": "1"} if lossless else {"crf": str(quality), "b": "0"}
            return {"deadline": "good", "cpu-used": "2", "row-mt": "1", **rate9}
        case "libvpx":
            no_alt_ref = {"auto-alt-ref": "0"}  # with which it has no transparency
            return {
                "deadline": "good",
                "cpu-used": "2",
                "crf": str(max(quality, 4)),
                "b": "100M",
                **no_alt_ref,
            }
        case "ffv1":
            return {"level": "3", "slicecrc": "1"}
        case "mpeg4" | "mpeg2video" | "mjpeg":
            quantiser = str(max(1, quality // QUALITY_PER_QUANTISER))
            return {"qmin": quantiser, "qmax": quantiser}
        case _:
            return {}


def trial(encoder: str, kind: PictureKind, size: tuple[int, int], quality: int) -> str | None:
    """Open an encoder; return its message if it refuses."""
    if Codec(encoder, "w").canonical_name in EVEN and _is_subsampled_oddly(kind.format, size):
        return "its sizes are even"
    context = av.CodecContext.create(encoder, "w")
    prepare(context, kind, size)
    context.time_base, context.framerate = Fraction(1, 48), Fraction(48)  # type: ignore[attr-defined]
    context.options = encoder_options(encoder, quality)
    try:
        with ordinary_priority():
            context.open()
    except (av.error.FFmpegError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return None


@contextmanager
def ordinary_priority() -> Iterator[None]:
    """Keep the thread's scheduling policy, whatever an encoder makes of it.

    SVT-AV1, opened by root, makes the thread that opens it a real-time one, which starves all other programs.
    """
    if not hasattr(os, "sched_getscheduler"):  # macOS and Windows
        yield
        return
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameter)


def prepare(context: av.CodecContext, kind: PictureKind, size: tuple[int, int]) -> None:
    """Configure an encoder for its input pictures and for reproducible output."""
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 writes to the terminal by itself: errors only
    for name, value in {
        "height": size[0],
        "width": size[1],
        "pix_fmt": kind.format,
        "colorspace": kind.matrix,
        "color_range": kind.range,
        "color_primaries": kind.primaries,
        "color_trc": kind.transfer,
    }.items():
        setattr(context, name, value)
    context.thread_count = THREADS
    context.flags |= Flags.bitexact


def _pixel_format(
    section: ClipSection, encoder: str, source: PictureKind, size: tuple[int, int]
) -> tuple[str, list[str]]:
    formats = [form.name for form in Codec(encoder, "w").video_formats or []]
    asked = section.pixel_format
    odd = f"{size[1]}x{size[0]} is odd, and {section.codec} needs even sizes for"
    if asked != "auto":
        _check_format(asked, formats, section.codec)
        if _is_subsampled_oddly(asked, size) and trial(encoder, _colours(asked, source, size[0]), size, 18):
            whole = _unsampled(asked, formats)
            choice = f", or {whole}" if whole else " and another codec, such as ffv1"
            raise ConfigError(f"clip.pixel_format = {asked!r}: {odd} it; choose 'auto'{choice}")
        return asked, []
    return _automatic(section, encoder, source, size, formats, odd)


def _automatic(
    section: ClipSection,
    encoder: str,
    source: PictureKind,
    size: tuple[int, int],
    formats: list[str],
    odd: str,
) -> tuple[str, list[str]]:
    """The nearest pixel format that the encoder really takes: some list formats they were not built with."""
    first = name = _nearest(formats, encoder, source)
    left = formats
    while trial(encoder, _colours(name, source, size[0]), size, section.quality) is not None:
        if _is_subsampled_oddly(name, size):
            whole = _unsampled(name, formats)
            if whole is None:
                raise ConfigError(
                    f"clip.codec = {section.codec!r}: {odd} its pixel formats ({', '.join(formats)}); choose "
                    "h264, h265, vp9 or ffv1"
                )
            return whole, [f"pixel format {whole}: {odd} {name}"]
        left = [other for other in left if other != name]
        if not left:
            return first, []
        name = _nearest(left, encoder, source)
    return name, []


def _nearest(formats: list[str], encoder: str, source: PictureKind) -> str:
    if encoder == "mjpeg":  # JPEG's range is full, which only these say
        formats = [name for name in formats if name.startswith("yuvj")]
    name = source.format.replace("yuvj", "yuv")
    if Codec(encoder, "w").canonical_name in FOR_PLAYERS and source.is_rgb and "rgb" not in encoder:
        alpha = "a" if source.has_alpha else ""
        name = f"yuv{alpha}420p" + ("10le" if source.bits > 8 else "")
    if not formats or name in formats:
        return name
    best, _ = find_best_pix_fmt_of_list(formats, name, source.has_alpha)
    return formats[0] if best is None else best.name


def _colours(name: str, source: PictureKind, height: int) -> PictureKind:
    """Kind of pictures of that pixel format that keep the source's colours."""
    kind = replace(source, format=name)
    if kind.is_rgb:
        return replace(kind, matrix=RGB, range=FULL)
    if not source.is_rgb:
        full = source.is_full_range or name.startswith("yuvj")
        return replace(kind, range=FULL if full else source.range)
    return PictureKind(
        name,
        BT709 if height >= HD_HEIGHT else SMPTE170M,
        FULL if name.startswith("yuvj") else LIMITED,
        BT709 if source.primaries == UNKNOWN else source.primaries,
        SRGB if source.transfer == UNKNOWN else source.transfer,
    )


def _check_container(codec: str, encoder: str, suffix: str) -> None:
    if encoder in _held_by(CONTAINERS[suffix]):
        return
    holding = [name for name in COMMON if find_encoder(name) in _held_by(CONTAINERS[suffix])]
    others = [other for other, kind in CONTAINERS.items() if encoder in _held_by(kind)]
    raise ConfigError(
        f"clip.codec = {codec!r}: {suffix} cannot hold it; choose one that it can, such as "
        f"--set clip.codec={holding[0]} ({', '.join(holding)})"
        + (f", or name the output {' or '.join(others)}" if others else "")
    )


def _check_format(name: str, formats: list[str], codec: str) -> None:
    try:
        av.VideoFormat(name)
        known = True
    except ValueError:
        known = False
    if known and (not formats or name in formats):
        return
    close = get_close_matches(name, formats, n=1)
    meant = f"; did you mean {close[0]}?" if close else "."
    fault = f"none that {codec} has" if known else "unknown"
    more = ", ..." if len(formats) > MOST_LISTED else ""
    raise ConfigError(
        f"clip.pixel_format = {name!r} is {fault}{meant} It has "
        f"{', '.join(formats[:MOST_LISTED])}{more}; 'auto' chooses"
    )


def _is_subsampled_oddly(name: str, size: tuple[int, int]) -> bool:
    form = av.VideoFormat(name, 16, 16)
    return bool(
        (form.chroma_width() < 16 and size[1] % 2) or (form.chroma_height() < 16 and size[0] % 2)
    ) and not (form.is_rgb)


def _unsampled(name: str, formats: list[str]) -> str | None:
    """The same pixel format with colours at full size, if the codec has it."""
    whole = name.replace("420", "444").replace("422", "444").replace("nv12", "yuv444p")
    return whole if whole in formats else None


def _has_avx512() -> bool:
    """Whether x264 would use AVX-512, with which its macroblock tree makes some runs give other bytes."""
    return bool(cv2.checkHardwareSupport(AVX_512F))


@lru_cache
def _held_by(container: str) -> frozenset[str]:
    with av.open(BytesIO(), "w", format=container) as nothing:
        return frozenset(nothing.supported_codecs)


@lru_cache
def _encoders() -> tuple[str, ...]:
    found = []
    for name in sorted(av.codec.codecs_available):
        try:
            if Codec(name, "w").type == "video":
                found.append(name)
        except UnknownCodecError:
            continue
    return tuple(found)
