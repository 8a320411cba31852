"""What becomes of a clip."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from configs.sections.section import Section, Times


class ClipSection(Section):
    """A clip -> the same clip with frames between its drawings (`animeinterp interpolate`)."""

    factor: int = Field(2, ge=1, le=1000)
    """How many frames become of each; used where neither `fps` nor `times` is given."""
    fps: str = ""
    """Frames a second to be made, such as `24`, `23.976` or `30000/1001`; empty = by `factor`."""
    times: Times = ()
    """Times in (0, 1), ascending, at which to make frames after each frame; empty = by `factor`."""
    timing: Literal["smooth", "keep"] = "smooth"
    """Where a drawing is shown for several frames: `smooth` moves on from drawing to drawing in equal steps,
    in place of the repeats; `keep` leaves the repeats and moves between the last of them and the next
    drawing."""
    longest_hold: int = Field(4, ge=1)
    """`smooth`: a drawing shown for more frames than this is a pause, and stays one; motion begins as late
    as after the clip's usual drawings."""
    on_cut: Literal["hold", "blend"] = "hold"
    """What is shown across a cut: the frame before it, or a cross-fade."""
    repeat_threshold: float = Field(12.0, ge=0)
    """Difference from a drawing, in grey levels over its most different patch, up to which a frame repeats
    it; 0 = only what is exactly the same. At 540p compression makes up to 9, motion over 30."""
    cut_threshold: float = Field(0.5, ge=0, le=1)
    """How little two drawings must have in common for a cut to be between them: 0 = always, 1 = never."""
    rate: str = "24"
    """Frames a second of a folder or sequence of images; a video has its own."""
    codec: str = "h264"
    """Codec of a video written: `h264`, `h265`, `av1`, `vp9`, `prores`, `ffv1` (lossless), `qtrle`, `mpeg4`,
    or the name of any encoder of FFmpeg's that needs nothing but a quality."""
    quality: int = Field(18, ge=0, le=63)
    """Constant quality (CRF) of a video written: lower is better and larger; 0 = lossless with `h264`, `h265`
    and `vp9`. `mpeg4` and `mjpeg` take a sixth of it as quantiser, others ignore it."""
    pixel_format: str = "auto"
    """Pixel format of a video written, such as `yuv420p` or `yuv444p10le`. `auto` = the source's where the
    encoder takes it, so that original frames pass untouched, else the nearest: RGB becomes `yuv420p` (of
    more than 8 bits `yuv420p10le`) with codecs that players expect so, and odd sizes `yuv444p` with codecs
    that need even ones."""
    sound: bool = True
    """Whether sound, subtitles, chapters and metadata of a video go into the one written."""
    pairs_per_part: int = Field(1024, ge=1)
    """Most pairs worked on at a time, so that memory stays flat however long the clip."""

    @field_validator("fps", "rate", mode="before")
    @classmethod
    def _number_is_a_rate(cls, rate: object) -> object:
        return str(rate) if isinstance(rate, int | float) else rate

    @field_validator("fps", "rate")
    @classmethod
    def _is_a_rate(cls, rate: str) -> str:
        if rate:
            read_rate(rate)
        return rate

    @model_validator(mode="after")
    def _fps_or_times(self) -> Self:
        if self.fps and self.times:
            raise ValueError(
                f"fps = {self.fps!r} and times = {list(self.times)} exclude each other; leave one empty"
            )
        if not self.rate:
            raise ValueError("rate is empty; give the frames a second of image sequences, such as 24")
        return self


def read_rate(text: str) -> Fraction:
    """Frames a second from text such as `24`, `29.97` or `30000/1001`, exactly.

    Raises
    ------
    ValueError
        It is no number above 0 and up to 1000.
    """
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise ValueError(f"{text!r} is no rate: expected frames a second such as 24, 23.976 or 30000/1001")
    for nominal in (24, 30, 48, 60, 120):
        exact = Fraction(nominal * 1000, 1001)
        if rate.denominator > 1 and abs(rate - exact) < Fraction(6, 1000):  # 23.98 and 29.97 are customary
            return exact
    return rate
