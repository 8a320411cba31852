from __future__ import annotations

from pathlib import Path

import pytest

from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.images import write_image
from animeinterp.pipeline.clips.idle_settings import idle_settings
from tests.drawn_videos import drawing, write_video


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    write_video(tmp_path / "movie.mp4", 3)
    for number in range(2):
        write_image(tmp_path / "frames" / f"{number}.png", drawing(number))
    return {"video": tmp_path / "movie.mp4", "images": tmp_path / "frames"}


@pytest.mark.parametrize(
    ("kind", "output", "chosen", "told"),
    [
        ("video", "out.mp4", {"rate": "12"}, ["clip.rate is for images, and movie.mp4 is a video"]),
        ("video", "out.mp4", {"rate": "24"}, ["clip.rate is for images, and movie.mp4 is a video"]),
        ("images", "out.mp4", {"rate": "12", "quality": 3}, []),
        ("video", "out.mp4", {"fps": "60", "factor": 4}, ["clip.factor gives way to clip.fps = 60"]),
        ("video", "out.mp4", {"times": [0.5], "factor": 4}, ["clip.factor gives way to clip.times"]),
        (
            "images",
            "out",
            {"codec": "vp9", "quality": 3},
            ["clip.codec is for videos", "clip.quality is for"],
        ),
        ("video", "out", {}, []),
        ("video", "out.webp", {"quality": 3, "codec": "vp9"}, ["clip.codec is for videos, and .webp has"]),
        ("video", "out.gif", {"quality": 3}, ["clip.quality is for videos, and .gif has"]),
        ("images", "out.mkv", {"factor": 4, "codec": "ffv1"}, []),
    ],
)
def test_settings_that_do_nothing_are_told(
    inputs: dict[str, Path], kind: str, output: str, chosen: dict[str, object], told: list[str]
) -> None:
    section = ClipSection.model_validate(chosen)
    notes = idle_settings(section, open_clip([inputs[kind]], section), inputs["video"].with_name(output))
    assert len(notes) == len(told)
    assert all(note.startswith(text) for note, text in zip(notes, told, strict=True))
