from __future__ import annotations

import os

import pytest

from configs.errors import ConfigError
from configs.sections import ClipSection
from data.clips.pictures import PictureKind
from pipeline.clips.video_encoding import choose_encoding, encoder_options, find_encoder, trial

SIZE = (48, 64)


def chosen(source: str, suffix: str = ".mkv", height: int = 48, **settings: object) -> PictureKind:
    section = ClipSection.model_validate(settings)
    return choose_encoding(section, suffix, PictureKind(source), (height, 64)).kind


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
        ("rgba", "h265", "yuv420p"),
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
    kind = choose_encoding(ClipSection(pixel_format="yuv444p"), ".mp4", source, SIZE).kind
    assert kind == PictureKind("yuv444p", 1, 1, 1, 1)
    rgb = choose_encoding(ClipSection(codec="h265", pixel_format="gbrp"), ".mp4", source, SIZE).kind
    assert (rgb.matrix, rgb.range, rgb.primaries) == (0, 2, 1)


def test_encoders_are_found_by_the_name_of_their_codec_or_their_own() -> None:
    assert find_encoder("h264") == find_encoder("libx264") == "libx264"
    assert find_encoder("hevc") == "libx265"
    assert find_encoder("prores") == "prores_ks"
    with pytest.raises(ConfigError, match="commonly available: h264, h265, av1"):
        find_encoder("nothing like it")


def test_an_encoder_that_needs_more_than_a_quality_says_what_it_refuses() -> None:
    with pytest.raises(
        ConfigError, match=r"'dnxhd': its encoder dnxhd refuses 64x48 pixels .*choose another"
    ):
        chosen("yuv422p", ".mov", codec="dnxhd")


def test_quality_0_is_lossless_where_it_can_be() -> None:
    assert encoder_options("libx264", 0)["qp"] == "0"
    assert "lossless=1" in encoder_options("libx265", 0)["x265-params"]
    assert encoder_options("libvpx-vp9", 0)["lossless"] == "1"
    assert encoder_options("libx264", 20)["crf"] == "20"


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="this system has no scheduling policies")
def test_encoders_leave_the_scheduling_policy_alone() -> None:
    before = os.sched_getscheduler(0)
    kind = PictureKind("yuv420p")
    for encoder in ("libsvtav1", "libx264"):
        assert trial(encoder, kind, (64, 64), 30) is None
        assert os.sched_getscheduler(0) == before
