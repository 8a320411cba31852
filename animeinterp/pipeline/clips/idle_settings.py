"""Settings that were given and do nothing for a clip and its output: they are named, not passed over."""

from __future__ import annotations

from pathlib import Path

from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.clip import Clip
from animeinterp.data.clips.video import VideoClip
from animeinterp.pipeline.clips.video_encoding import ANIMATIONS
from animeinterp.pipeline.clips.writers import is_video

OF_VIDEOS = ("codec", "quality", "pixel_format", "sound")
OF_IMAGES = ("rate", "order")


def idle_settings(section: ClipSection, clip: Clip, output: Path) -> tuple[str, ...]:
    """What to say of each setting that is not the default's and does nothing."""
    why: dict[str, str] = {}
    if isinstance(clip, VideoClip):
        why |= dict.fromkeys(OF_IMAGES, f"is for images, and {clip.path.name} is a video")
    if output.suffix.lower() in ANIMATIONS and is_video(clip, output):
        of_others = ("codec", "pixel_format", *(("quality",) if output.suffix.lower() == ".gif" else ()))
        why |= dict.fromkeys(of_others, f"is for videos, and {output.suffix} has but one kind")
    elif not is_video(clip, output):
        why |= dict.fromkeys(OF_VIDEOS, f"is for videos, and {output} is a sequence of images")
    if section.fps:
        why["factor"] = f"gives way to clip.fps = {section.fps}"
    elif section.times:
        why["factor"] = "gives way to clip.times"
    return tuple(f"clip.{name} {reason}" for name, reason in why.items() if name in section.model_fields_set)
