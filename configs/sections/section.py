"""What all sections are made of, and the types that several share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

LEAST_HEIGHT = 64  # px; less leaves no pieces to match

Style = Literal["anime", "disney"]
Precision = Literal["float32", "bfloat16", "float16"]


def _none_if_empty(value: object) -> object:
    # TOML has no null, so an empty string is how a file or `--set` says "not given".
    return None if value == "" else value


OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]


def _no_tiny_height(height: int) -> int:
    if 0 < height < LEAST_HEIGHT:
        raise ValueError(f"{height} is too little: give at least {LEAST_HEIGHT}, or 0 for the frames' own")
    return height


WorkingHeight = Annotated[int, Field(ge=0), AfterValidator(_no_tiny_height)]


def _no_url(value: object) -> object:
    # As a path it would become a folder of that name, or with one slash less.
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(value)):
        raise ValueError(
            f"{str(value)!r} is a URL, and a folder is needed: results are committed by an atomic rename and "
            "a flush to disk, which object stores and web servers lack; name a folder of a disk or of a "
            "shared file system, and copy between it and the URL before and after the run"
        )
    return value


Folder = Annotated[Path, BeforeValidator(_no_url)]
OptionalFolder = Annotated[Path | None, BeforeValidator(_no_url), BeforeValidator(_none_if_empty)]


def _one_is_a_list(times: object) -> object:
    return [times] if isinstance(times, int | float) else times


def check_times(times: tuple[float, ...]) -> tuple[float, ...]:
    """Make sure that times between two frames are ascending and inside (0, 1).

    Raises
    ------
    ValueError
        They are not.
    """
    if any(not 0 < t < 1 for t in times) or list(times) != sorted(set(times)):
        raise ValueError(
            f"times {list(times)} must be ascending and lie between 0 and 1, such as [0.25, 0.5, 0.75]"
        )
    return times


Times = Annotated[tuple[float, ...], BeforeValidator(_one_is_a_list), AfterValidator(check_times)]


class Section(BaseModel):
    """A group of settings: frozen, unknown keys refused, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    location_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that say where something is, not what it is: left out of fingerprints."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """Fields that do nothing with the others as they are: left out of fingerprints."""
        return frozenset()


class NetworkSection(Section):
    """A stage that has a method with a network and weights, and others without."""

    network_method: ClassVar[str]
    """The method that uses the weights."""
    plain_method: ClassVar[str]
    """The one that `auto` takes without them."""
    network_fields: ClassVar[frozenset[str]]
    """Fields that say nothing to `plain_method`."""

    method: str = "auto"
    weights: OptionalPath = None

    @property
    def chosen_method(self) -> str:
        """The method, with `auto` decided by whether weights are given."""
        if self.method != "auto":
            return self.method
        return self.plain_method if self.weights is None else self.network_method
