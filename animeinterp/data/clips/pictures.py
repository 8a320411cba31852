"""Conversion of decoded pictures to RGB and back: correct matrix and range, the same on every CPU."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from animeinterp.data.clips.clip import Alpha
from animeinterp.data.images import Frame, over_white, to_uint16

# The flags by which FFmpeg's scaler rounds instead of truncating and leaves processor-specific shortcuts.
EXACT = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.BITEXACT
)
LIMITED, FULL = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG
RGB, BT709, UNKNOWN = 0, 1, 2  # AVCOL_SPC_*
HD_HEIGHT = 720  # pictures of unknown matrix are BT.709 from this height on, else BT.601, as players guess
# AVCOL_SPC_* -> the scaler's own numbers; bt470bg and smpte170m are both BT.601
SCALER_MATRIX = {
    BT709: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
TURNS = {90: ("cclock",), 180: ("clock", "clock"), 270: ("clock",)}  # by anticlockwise degrees


@dataclass(frozen=True, slots=True)
class PictureKind:
    """The kind of pixels: format, matrix, range and everything else that defines their colours."""

    format: str
    """FFmpeg's name of the pixel format."""
    matrix: int = UNKNOWN
    """AVCOL_SPC_*."""
    range: int = 0
    """AVCOL_RANGE_*; 0 = unknown, which means limited for YUV."""
    primaries: int = UNKNOWN
    """AVCOL_PRI_*."""
    transfer: int = UNKNOWN
    """AVCOL_TRC_*."""

    @property
    def is_rgb(self) -> bool:
        """Whether it has no matrix; a palette counts as RGB."""
        return _format(self.format).is_rgb or _format(self.format).has_palette

    @property
    def has_alpha(self) -> bool:
        """Whether there is transparency; any palette may have some."""
        description = _format(self.format)
        return description.has_palette or any(part.is_alpha for part in description.components)

    @property
    def bits(self) -> int:
        """Bits a channel."""
        description = _format(self.format)
        return 8 if description.has_palette else description.components[0].bits

    @property
    def is_full_range(self) -> bool:
        """Whether black is 0 and white the largest value."""
        return self.range == FULL or self.format.startswith("yuvj") or self.is_rgb

    def is_like(self, other: PictureKind, height: int) -> bool:
        """Whether samples of pictures of that height mean the same colours."""
        same = self.format == other.format and self.is_full_range == other.is_full_range
        return same and (self.is_rgb or self.scaler_matrix(height) == other.scaler_matrix(height))

    def scaler_matrix(self, height: int) -> int:
        """The scaler's number of the matrix of a picture of that height."""
        guess = Colorspace.ITU709 if height >= HD_HEIGHT else Colorspace.ITU601
        return int(SCALER_MATRIX.get(self.matrix, guess))


@lru_cache
def _format(name: str) -> av.VideoFormat:
    return av.VideoFormat(name, 16, 16)


def kind_of(picture: av.VideoFrame) -> PictureKind:
    """Kind of a decoded picture."""
    return PictureKind(
        picture.format.name,
        int(picture.colorspace),
        int(picture.color_range),
        int(picture.color_primaries),
        int(picture.color_trc),
    )


class PictureConverter:
    """Converts pictures of one kind, whose scaling tables it keeps; not for several threads at once."""

    def __init__(self) -> None:
        self._scalers: dict[str, VideoReformatter] = {}

    def rgb(self, picture: av.VideoFrame) -> tuple[Frame, Alpha | None]:
        """RGB blended over white, and transparency; more than 8 bits are rounded to 8."""
        colors, alpha = self.straight(picture, deep=False)
        if alpha is None:
            return colors.astype(np.uint8, copy=False), None
        return over_white(colors, alpha), alpha.astype(np.uint8, copy=False)

    def straight(
        self, picture: av.VideoFrame, *, deep: bool
    ) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic] | None]:
        """RGB without blending, and transparency; uint8, or uint16 if `deep`."""
        kind = kind_of(picture)
        shallow = kind.is_rgb and kind.bits <= 8
        # YUV is converted via 16 bits, since the scaler's 8-bit output wraps around for colours out of gamut.
        name = (
            ("rgba" if kind.has_alpha else "rgb24")
            if shallow
            else "rgba64le"
            if kind.has_alpha
            else "rgb48le"
        )
        pixels = self.convert(picture, PictureKind(name, RGB, FULL)).to_ndarray()
        colors, alpha = pixels[:, :, :3], pixels[:, :, 3] if kind.has_alpha else None
        top = np.iinfo(np.uint16 if deep else np.uint8).max
        return (
            _rescaled(colors, 255 if shallow else _white(kind), top),
            None if alpha is None else _rescaled(alpha, 255 if shallow else _opaque(kind), top),
        )

    def convert(self, picture: av.VideoFrame, kind: PictureKind) -> av.VideoFrame:
        """The same picture in another kind; of the same matrix where both are YUV."""
        source = kind_of(picture)
        yuv = kind if source.is_rgb else source
        matrix = yuv.scaler_matrix(picture.height)
        scaler = self._scalers.setdefault(kind.format, VideoReformatter())
        return scaler.reformat(
            picture,
            format=kind.format,
            interpolation=EXACT,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=FULL if source.is_full_range else LIMITED,
            dst_color_range=FULL if kind.is_full_range else LIMITED,
            threads=1,
        )

    def resize(self, picture: av.VideoFrame, size: tuple[int, int]) -> av.VideoFrame:
        """The same picture at another height and width."""
        scaler = self._scalers.setdefault("size", VideoReformatter())
        return scaler.reformat(picture, width=size[1], height=size[0], interpolation=EXACT, threads=1)


def off_white(image: npt.NDArray[Any], alpha: Alpha) -> npt.NDArray[Any]:
    """Colours that give `image` when blended over white; white where fully transparent."""
    top = np.iinfo(image.dtype).max
    weight = np.maximum(alpha[:, :, None].astype(np.int32), 1)
    lifted = top - ((top - image.astype(np.int32)) * 255 + weight // 2) // weight
    return np.where(alpha[:, :, None] == 0, top, np.clip(lifted, 0, top)).astype(image.dtype)


def to_picture(image: npt.NDArray[Any], alpha: Alpha | None) -> av.VideoFrame:
    """A frame of 8 or 16 bits, straight colours, and its transparency as a picture."""
    deep = image.dtype == np.uint16
    if alpha is None:
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb48le" if deep else "rgb24")
    shown = to_uint16(alpha) if deep else alpha
    pixels = np.ascontiguousarray(np.dstack([image, shown]))
    return av.VideoFrame.from_ndarray(pixels, format="rgba64le" if deep else "rgba")


def is_mirrored(picture: av.VideoFrame) -> bool:
    """Whether its file asks to show it upside down before it is rotated."""
    asked: Any = picture.side_data.get("DISPLAYMATRIX")
    if asked is None:
        return False
    (a, b), (c, d) = np.frombuffer(asked, np.int32).reshape(3, 3)[:2, :2].tolist()
    return bool(a * d < b * c)


class Turner:
    """Rotates pictures upright, plane by plane and losslessly, and clears their interlaced flag.

    The scaler would convert the two fields of a flagged picture apart, and mix colours of every other line.
    """

    def __init__(self, degrees: int, *, mirrored: bool = False) -> None:
        self._turns = [("transpose", turn) for turn in TURNS.get(degrees % 360, ())]
        if mirrored:
            self._turns.insert(0, ("vflip", ""))
        self._graph: Graph | None = None
        self._of: tuple[int, int, str] | None = None

    def upright(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Rotate a picture."""
        if not self._turns and not picture.interlaced_frame:
            return picture
        of = (picture.width, picture.height, picture.format.name)
        if self._graph is None or self._of != of:
            self._graph, self._of = self._built(picture), of
        self._graph.vpush(picture)
        return self._graph.vpull()

    def _built(self, picture: av.VideoFrame) -> Graph:
        graph = Graph()
        node = graph.add_buffer(
            width=picture.width,
            height=picture.height,
            format=picture.format,
            time_base=picture.time_base or Fraction(1),
        )
        whole = graph.add("setfield", "mode=prog")
        turns = [graph.add(*turn) for turn in self._turns]
        nodes = [node, whole, *turns, graph.add("buffersink")]
        graph.link_nodes(*nodes).configure()
        return graph


def _white(kind: PictureKind) -> int:
    """What the scaler makes of white in 16 bits."""
    if kind.is_rgb:
        return 65535
    return _opaque(kind) if kind.is_full_range else 255 << 8


def _opaque(kind: PictureKind) -> int:
    """What the scaler makes of the largest value in 16 bits: it shifts YUV and its alpha, and spreads RGB."""
    bits = min(kind.bits, 16)
    return 65535 if kind.is_rgb else ((1 << bits) - 1) << (16 - bits)


def _rescaled(values: npt.NDArray[np.generic], largest: int, top: int) -> npt.NDArray[np.generic]:
    if largest == top:
        return np.ascontiguousarray(values)
    # All values are in range; "clip" is the mode without a check, which takes a third of the time.
    return np.take(_rescaling(largest, top), values.astype(np.uint16, copy=False), mode="clip")


@lru_cache
def _rescaling(largest: int, top: int) -> npt.NDArray[np.generic]:
    values = np.arange(65536, dtype=np.uint64)
    dtype = np.uint16 if top > 255 else np.uint8
    return np.minimum((values * top + largest // 2) // largest, top).astype(dtype)
