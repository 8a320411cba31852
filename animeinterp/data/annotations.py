"""The annotation JSON of an ATD-12K test triplet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from animeinterp.configs.errors import DataError


class MotionRoI(BaseModel):
    """Region of interest in pixels of the annotated image size."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    x: float = Field(ge=0)
    y: float = Field(ge=0)
    width: float = Field(gt=0)
    height: float = Field(gt=0)


class Annotation(BaseModel):
    """ATD-12K's annotation of a triplet; fields that may be missing are optional, unknown ones ignored."""

    model_config = ConfigDict(frozen=True)

    motion_RoI: MotionRoI  # noqa: N815 - the key in the file
    """Region where the motion happens."""
    image_size: tuple[int, int]
    """Width and height of the image that the region refers to."""
    level: int | None = Field(None, ge=0, le=2)
    """0 easy, 1 medium, 2 hard."""
    general_motion_type: Any = None
    """translation, rotation, scaling or deformation."""
    behavior: Any = None
    """What the character does."""


def read_annotation(path: Path) -> Annotation:
    """Read an annotation.

    Raises
    ------
    DataError
        Unreadable, not JSON, or without the fields that scoring needs.
    """
    try:
        return Annotation.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        found = _first_complaint(error)
        raise DataError(
            f"{path}: malformed annotation ({found}); expected JSON with motion_RoI {{x, y, width, height}}, "
            "image_size [width, height] and level 0, 1 or 2; repair or remove the file"
        ) from None


def _first_complaint(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        key = ".".join(map(str, detail["loc"])) or "top level"
        return f"{key}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
    return str(error)
