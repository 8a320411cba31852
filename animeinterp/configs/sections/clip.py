"""Settings of `animeinterp interpolate`."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from animeinterp.configs.sections.section import Section, Times


class ClipSection(Section):
    """Clip -> the same clip with in-between frames (`animeinterp interpolate`)."""

    factor: int = Field(2, ge=1, le=1000)
    """Output frames per input frame, before slow motion; used if neither `fps` nor `times` is given."""
    fps: str = ""
    """Output frames per second, such as `24`, `23.976` or `30000/1001`; empty = use `factor`."""
    times: Times = ()
    """Times in (0, 1), ascending, of the frames to make after each frame; empty = use `factor`."""
    slow: int = Field(1, ge=1, le=1000)
    """Slow motion: how many times longer the output takes, at the frame rate that it would have otherwise.
    Its sound is left out."""
    loop: bool = False
    """Whether the last drawing leads back to the first."""
    timing: Literal["smooth", "keep"] = "smooth"
    """For a drawing held for several frames: `smooth` replaces the repeats by equal steps from drawing to
    drawing; `keep` keeps the repeats and moves only between the last of them and the next drawing."""
    longest_hold: int = Field(4, ge=1)
    """`smooth`: a drawing held for more frames than this is a pause and is kept; motion then begins as long
    before the next drawing as for the clip's usual drawings."""
    on_cut: Literal["hold", "blend"] = "hold"
    """Frames across a cut: `hold` repeats the frame before it, `blend` cross-fades."""
    repeat_threshold: float = Field(12.0, ge=0)
    """Largest difference, in grey levels in the most different patch, at which a frame counts as a repeat of
    a drawing; 0 = only identical frames. At 540p compression causes up to 9, motion more than 30."""
    cut_threshold: float = Field(0.5, ge=0, le=1)
    """Dissimilarity of two drawings from which there is a cut between them: 0 = always, 1 = never."""
    rate: str = "24"
    """Frames per second of a folder or sequence of images; a video has its own."""
    order: Literal["auto", "number", "given"] = "auto"
    """Order of images that are listed one by one: by the `number` in their names, as `given`, or `auto` = by
    number, unless the list is clearly in an order of its own."""
    frames: str = Field("", pattern=r"^(\d+-\d+(x[1-9]\d*)?)?$")
    """Numbers of the images to use, such as `1001-1048`, or `1001-1048x2` for every other; empty = all."""
    codec: str = "h264"
    """Codec of the output video: `h264`, `h265`, `av1`, `vp9`, `prores`, `ffv1` (lossless), `qtrle`, `mpeg4`,
    or any FFmpeg encoder that needs no option other than a quality."""
    quality: int = Field(18, ge=0, le=63)
    """Constant quality (CRF) of the output video: lower is better and larger; 0 = lossless with `h264`,
    `h265` and `vp9`. `mpeg4` and `mjpeg` use a sixth of it as quantiser; other codecs ignore it."""
    pixel_format: str = "auto"
    """Pixel format of the output video, such as `yuv420p` or `yuv444p10le`. `auto` = the source's if the
    encoder supports it, so that original frames stay unchanged, else the nearest: RGB becomes `yuv420p`
    (`yuv420p10le` above 8 bits) with codecs for which players expect it, and odd sizes `yuv444p` with codecs
    that need even sizes."""
    ffmpeg: str = ""
    """The FFmpeg program (5.1 or later) that writes videos; empty = the system's, else the one installed with
    `imageio-ffmpeg`."""
    sound: bool = True
    """Whether the output video gets the sound, subtitles, chapters and metadata of the input."""
    keep: Literal["nothing", "frames", "flows", "all"] = "nothing"
    """What stays in the cache when the output is complete: `nothing`; the drawn `frames`, from which the
    output can be written again; the refined `flows`, too; or `all` stages and source frames, which `inspect`
    shows. Until then everything needed to resume is kept: of a video, the parts that are encoded."""
    pairs_per_part: int = Field(1024, ge=1)
    """Largest number of pairs processed at a time; fewer of large frames, of which 100 million pixels make a
    part. Bounds memory and cache for long clips."""

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
            raise ValueError("rate is empty; give the frames per second of image sequences, such as 24")
        return self


def read_rate(text: str) -> Fraction:
    """Frames per second, exactly, from text such as `24`, `29.97` or `30000/1001`.

    Raises
    ------
    ValueError
        It is not a number above 0 and up to 1000.
    """
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise ValueError(
            f"{text!r} is not a rate: expected frames per second such as 24, 23.976 or 30000/1001"
        )
    for nominal in (24, 30, 48, 60, 120):
        exact = Fraction(nominal * 1000, 1001)
        if rate.denominator > 1 and abs(rate - exact) < Fraction(6, 1000):  # 23.98 and 29.97 are customary
            return exact
    return rate
