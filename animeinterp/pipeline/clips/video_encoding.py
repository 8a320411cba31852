"""Choice of encoder, pixel format, colours and options from the settings and the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from io import BytesIO

import av
import cv2
from av.codec.codec import find_best_pix_fmt_of_list

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.pictures import BT709, FULL, HD_HEIGHT, LIMITED, RGB, UNKNOWN, PictureKind
from animeinterp.pipeline.clips.ffmpeg_program import picture_encoders, pixel_formats

CONTAINERS = {f".{name}": name for name in ("mp4", "mov", "webm", "avi", "gif", "webp")}
CONTAINERS |= {".m4v": "mp4", ".mkv": "matroska"}
ISO = ("mp4", "mov")
ANIMATIONS = {".gif": "gif", ".webp": "libwebp_anim"}
"""Encoder of each format that is an image to other programs: it has no choice of codec, and no sound."""
# A palette of its own for every frame keeps memory flat; a still pattern of dots does not flicker.
PALETTE = (
    "split[a][b];[a]palettegen=stats_mode=single:reserve_transparent={clear}[p];"
    "[b][p]paletteuse=new=1:dither=bayer:bayer_scale=4"
)
WORST, BEST = 63, 100  # CRF of the worst quality, WebP's number of the best
ALIASES = {"h265": "hevc"}
PREFERRED = ("libx264", "libopenh264", "libx265", "libsvtav1", "libvpx-vp9", "libvpx", "prores_ks")
SECOND = {"libsvtav1": "libaom-av1"}  # for pictures that the first refuses: SVT 1.4 takes none below 64x64
COMMON = ("h264", "h265", "av1", "vp9", "ffv1", "prores", "qtrle", "mpeg4")
# Codecs that players expect in 4:2:0: RGB sources are converted even if RGB could be encoded.
FOR_PLAYERS = ("h264", "hevc", "av1", "vp9", "vp8", "mpeg4", "mpeg2video")
# Options for constant quality `q`, or the quantiser `n` of older codecs; and those of quality 0.
OPTIONS = {
    **dict.fromkeys(("libx264", "libx264rgb"), "-crf {q}"),
    "libx265": "-x265-params crf={q}:frame-threads=2:log-level=error",
    "libsvtav1": "-preset 6 -crf {q}",
    "libaom-av1": "-cpu-used 6 -row-mt 1 -crf {q} -b:v 0",
    "libvpx-vp9": "-cpu-used 2 -row-mt 1 -crf {q} -b:v 0",
    "libvpx": "-cpu-used 2 -crf {q} -qmin 4 -b:v 100M -auto-alt-ref 0",  # else it has no alpha
    "ffv1": "-level 3 -slicecrc 1",
    **dict.fromkeys(("mpeg4", "mpeg2video", "mjpeg"), "-qmin {n} -qmax {n}"),
}
LOSSLESS = {
    **dict.fromkeys(("libx264", "libx264rgb"), "-qp 0"),
    "libx265": "-x265-params lossless=1:frame-threads=2:log-level=error",
    "libvpx-vp9": "-cpu-used 2 -row-mt 1 -lossless 1",
}
QUALITY_PER_QUANTISER = 6  # steps of CRF per step of the quantiser of older codecs
THREADS = "4"  # fixed: the output of x264 and x265 depends on it, and a clip must always give the same file
AVX_512F = 13  # OpenCV's CPU_AVX_512F; x264's macroblock tree gives other bytes with it now and then
SMPTE170M, SRGB = 6, 13  # AVCOL_SPC of BT.601, AVCOL_TRC
MOST_LISTED = 16
MOST_TRIED = 4  # pixel formats; some encoders list more than they were built with


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding of a video's pictures."""

    encoder: str
    """FFmpeg's name of the encoder."""
    codec: str
    """FFmpeg's name of its codec."""
    kind: PictureKind
    """Kind of its input pictures."""
    notes: tuple[str, ...] = ()
    """Differences from the source, with reasons."""

    def is_lossless(self, quality: int) -> bool:
        """Whether pictures come out as they go in."""
        return self.encoder == "ffv1" or (quality == 0 and self.encoder in LOSSLESS)

    def options(self, quality: int) -> list[str]:
        """Arguments for FFmpeg: encoder, pixel format, threads and quality (0 is lossless if possible)."""
        table = LOSSLESS if quality == 0 and self.encoder in LOSSLESS else OPTIONS
        chosen = table.get(self.encoder, "").format(q=quality, n=max(1, quality // QUALITY_PER_QUANTISER))
        name = self.kind.format
        if self.codec == "gif":
            name, chosen = "pal8", "-filter:v:0 " + PALETTE.format(clear=int(self.kind.has_alpha))
        elif self.codec == "webp":  # FFmpeg's lossy one of several pictures has no alpha
            exact = quality == 0 or self.kind.has_alpha
            name = "bgra"
            chosen = "-lossless 1" if exact else f"-quality {BEST - BEST * quality // WORST}"
        elif self.encoder.startswith("libx264") and cv2.checkHardwareSupport(AVX_512F):
            chosen += " -x264-params asm=AVX2"
        return ["-c:v:0", self.encoder, "-pix_fmt:v:0", name, "-threads:v:0", THREADS, *chosen.split()]


def encodings(
    section: ClipSection, suffix: str, source: PictureKind, size: tuple[int, int], program: str
) -> Iterator[Encoding]:
    """Possible encodings, the best first; only a trial shows whether the encoder accepts one.

    `source` is the kind of the source's pictures, `size` their height and width.

    Raises
    ------
    ConfigError
        The codec is unknown, the container cannot hold it, or it lacks the pixel format.
    """
    if suffix in ANIMATIONS:
        yield _animation(suffix, source, program)
        return
    encoder, codec = find_encoder(section.codec, program)
    _check_container(section.codec, codec, suffix)
    formats = pixel_formats(program, encoder)
    if section.pixel_format != "auto":
        _check_format(section.pixel_format, formats, section.codec)
        names = [(section.pixel_format, "")]
    else:
        names = list(_nearest(formats, encoder, codec, source, size))
    for name, why in names:
        kind = _colours(name, source, size[0])
        notes = [f"pixel format {name}: {why.format(codec=section.codec)}"] if why else []
        if source.has_alpha and not kind.has_alpha:
            able = [other for other in ("ffv1", "prores", "vp9") if other != section.codec]
            notes.append(
                f"transparency is replaced by white: {section.codec} with {name} has "
                f"none; {', '.join(able)} keep it"
            )
        if kind.bits < source.bits:
            notes.append(
                f"{source.bits} bits per channel become {kind.bits}: {section.codec} is written as {name}"
            )
        yield Encoding(encoder, codec, kind, tuple(notes))
    second = SECOND.get(encoder)
    if section.codec != encoder and second in picture_encoders(program):
        chosen = section.model_copy(update={"codec": second})
        yield from encodings(chosen, suffix, source, size, program)


def _animation(suffix: str, source: PictureKind, program: str) -> Encoding:
    encoder = ANIMATIONS[suffix]
    if encoder not in picture_encoders(program):
        raise ConfigError(f"{program}: has no encoder {encoder} for {suffix}; name another FFmpeg or output")
    notes = [f"{source.bits} bits per channel become 8: {suffix} has no more"] if source.bits > 8 else []
    if suffix == ".gif":
        notes += ["colours become 256 a frame: .gif has no more; .webp keeps them"]
        notes += ["transparency becomes all or none: .gif has no degrees of it"] if source.has_alpha else []
    elif source.has_alpha:
        notes += ["pictures are written without loss, whatever the quality: else transparency would be lost"]
    kind = PictureKind("rgba" if source.has_alpha else "rgb24", RGB, FULL)
    return Encoding(encoder, suffix[1:], kind, tuple(notes))


def find_encoder(codec: str, program: str) -> tuple[str, str]:
    """FFmpeg's names of the encoder of a codec and of the codec.

    Raises
    ------
    ConfigError
        There is no such encoder for pictures.
    """
    known, wanted = picture_encoders(program), ALIASES.get(codec, codec)
    fitting = [name for name in known if wanted in (name, known[name])]
    if fitting:
        chosen = next((name for name in PREFERRED if name in fitting), fitting[0])
        return chosen, known[chosen]
    names = {*ALIASES, *COMMON}
    close = get_close_matches(codec, names, n=3) or get_close_matches(codec, known)
    meant = f"did you mean {' or '.join(close)}? " if close else ""
    raise ConfigError(
        f"clip.codec = {codec!r} is not a video codec that this FFmpeg can write; {meant}commonly available: "
        f"{', '.join(COMMON)} ({program})"
    )


def is_subsampled_oddly(name: str, size: tuple[int, int]) -> bool:
    """Whether a picture of that height and width has half a sample of chroma."""
    form = av.VideoFormat(name, 16, 16)
    return bool(size[1] % (16 // form.chroma_width()) or size[0] % (16 // form.chroma_height()))


def unsampled(name: str, formats: tuple[str, ...]) -> str | None:
    """The same pixel format with colours at full size, if it is among these."""
    whole = name.replace("420", "444").replace("422", "444").replace("nv12", "yuv444p")
    return whole if whole in formats else None


def _nearest(
    formats: tuple[str, ...], encoder: str, codec: str, source: PictureKind, size: tuple[int, int]
) -> Iterator[tuple[str, str]]:
    """Pixel formats, the nearest first, and why one is not like the source's."""
    name = source.format.replace("yuvj", "yuv").replace("pal8", "rgba")
    if codec in FOR_PLAYERS and source.is_rgb and "rgb" not in encoder:
        name = f"yuv{'a' if source.has_alpha else ''}420p" + ("10le" if source.bits > 8 else "")
    # JPEG's range is full, which only yuvj formats say.
    able = [other for other in formats if other.startswith("yuvj" if encoder == "mjpeg" else "")]
    left = [other for other in able if other != "pal8"] or [name]
    for _ in range(min(MOST_TRIED, len(left))):
        has_alpha = PictureKind(name).has_alpha
        best, _ = find_best_pix_fmt_of_list(left, name, has_alpha)
        chosen = name if name in left else left[0] if best is None else best.name
        yield chosen, ""
        whole = unsampled(chosen, formats)
        if whole is not None and is_subsampled_oddly(chosen, size):
            yield whole, f"{size[1]}x{size[0]} is odd, and {{codec}} needs even sizes for {chosen}"
        left.remove(chosen)
        if has_alpha:  # the container may not hold it
            name = name.replace("yuva", "yuv").replace("rgba", "rgb24").replace("bgra", "bgr24")


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


def _check_container(name: str, codec: str, suffix: str) -> None:
    kinds = {other: kind for other, kind in CONTAINERS.items() if other not in ANIMATIONS}
    holding = [other for other, kind in kinds.items() if codec in _held_by(kind)]
    if suffix in holding:
        return
    held = [other for other in COMMON if ALIASES.get(other, other) in _held_by(kinds[suffix])]
    raise ConfigError(
        f"clip.codec = {name!r}: {suffix} cannot hold it; choose one that it can hold, such as "
        f"--set clip.codec={held[0]} ({', '.join(held)})"
        + (f", or name the output {' or '.join(holding)}" if holding else "")
    )


@lru_cache
def _held_by(container: str) -> frozenset[str]:
    """Codecs and encoders that a container holds, as FFmpeg's library says."""
    with av.open(BytesIO(), "w", format=container) as nothing:
        return frozenset(nothing.supported_codecs)


def _check_format(name: str, formats: tuple[str, ...], codec: str) -> None:
    try:
        known = bool(av.VideoFormat(name))
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
