from __future__ import annotations

import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.pictures import PictureKind
from animeinterp.pipeline.clips.ffmpeg_program import find_program
from animeinterp.pipeline.clips.video_encoding import Encoding, encodings, find_encoder

SIZE = (48, 64)


def first(source: PictureKind, suffix: str, size: tuple[int, int] = SIZE, **settings: object) -> Encoding:
    return next(encodings(ClipSection.model_validate(settings), suffix, source, size, find_program()))


def chosen(source: str, suffix: str = ".mkv", height: int = 48, **settings: object) -> PictureKind:
    return first(PictureKind(source), suffix, (height, 64), **settings).kind


@pytest.mark.parametrize(
    ("source", "codec", "expected"),
    [
        ("yuv420p", "h264", "yuv420p"),
        ("yuvj422p", "h264", "yuv422p"),
        ("yuv444p10le", "h264", "yuv444p10le"),
        ("yuv422p12le", "h264", "yuv422p10le"),
        ("rgb24", "h264", "yuv420p"),
        ("rgb48le", "h264", "yuv420p10le"),
        ("rgb24", "libx264rgb", "rgb24"),
        ("rgba", "h264", "yuv420p"),
        ("rgba", "vp9", "yuva420p"),
        ("pal8", "av1", "yuv420p"),
        ("rgb24", "ffv1", "bgr0"),
        ("rgba", "ffv1", "bgra"),
        ("yuv420p", "prores", "yuv422p10le"),
        ("yuva444p10le", "prores", "yuva444p10le"),
        ("rgba", "qtrle", "argb"),
        ("yuv420p", "mjpeg", "yuvj420p"),
    ],
)
def test_pixel_format_is_the_source_s_or_the_nearest(source: str, codec: str, expected: str) -> None:
    suffix = ".mov" if codec in ("prores", "qtrle") else ".mkv"
    assert chosen(source, suffix, codec=codec).format == expected


@pytest.mark.parametrize(("height", "matrix"), [(540, 6), (720, 1)])
def test_rgb_becomes_yuv_of_the_matrix_that_players_guess(height: int, matrix: int) -> None:
    kind = chosen("rgb24", height=height)
    assert (kind.matrix, kind.range, kind.primaries, kind.transfer) == (matrix, 1, 1, 13)


def test_yuv_keeps_its_colours_and_rgb_has_no_matrix() -> None:
    source = PictureKind("yuv420p", 1, 1, 1, 1)
    kind = first(source, ".mp4", pixel_format="yuv444p").kind
    assert kind == PictureKind("yuv444p", 1, 1, 1, 1)
    rgb = first(source, ".mp4", codec="h265", pixel_format="gbrp").kind
    assert (rgb.matrix, rgb.range, rgb.primaries) == (0, 2, 1)


def test_encoders_are_found_by_the_name_of_their_codec_or_their_own() -> None:
    program = find_program()
    assert find_encoder("h264", program) == find_encoder("libx264", program) == ("libx264", "h264")
    assert find_encoder("hevc", program) == find_encoder("h265", program) == ("libx265", "hevc")
    assert find_encoder("prores", program) == ("prores_ks", "prores")
    assert find_encoder("av1", program) == ("libsvtav1", "av1")
    assert find_encoder("ffv1", program) == ("ffv1", "ffv1")
    with pytest.raises(ConfigError, match="commonly available: h264, h265, av1"):
        find_encoder("nothing like it", program)


def test_odd_sizes_have_a_second_choice() -> None:
    section = ClipSection()
    names = [
        encoding.kind.format
        for encoding in encodings(section, ".mp4", PictureKind("yuv420p"), (47, 63), find_program())
    ]
    assert names[:2] == ["yuv420p", "yuv444p"]


def test_quality_0_is_lossless_where_it_can_be() -> None:
    def options(codec: str, quality: int, suffix: str = ".mkv") -> str:
        return " ".join(first(PictureKind("yuv420p"), suffix, codec=codec).options(quality))

    assert "-qp 0" in options("h264", 0)
    assert "lossless=1" in options("h265", 0)
    assert "-lossless 1" in options("vp9", 0)
    assert "-crf 20" in options("h264", 20)
    assert "-qmin 3 -qmax 3" in options("mpeg4", 18)
    assert "-crf" not in options("ffv1", 18)
