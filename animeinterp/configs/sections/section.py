"""The base of all sections, and the types that several share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from animeinterp.configs.names import given_path
from animeinterp.configs.weights_header import LIGHT, variant_in

LEAST_HEIGHT = 64  # px; less leaves no pieces to match

Style = Literal["anime", "disney"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
AUTO = "auto"


def none_if_empty(value: object) -> object:
    """An empty string is how a file or `--set` says "not given": TOML has no null."""
    return None if value == "" else value


def _at_home(path: Path | None) -> Path | None:
    return None if path is None else given_path(path)


OptionalPath = Annotated[Path | None, BeforeValidator(none_if_empty), AfterValidator(_at_home)]


def _no_tiny_height(height: int) -> int:
    if 0 < height < LEAST_HEIGHT:
        raise ValueError(
            f"{height} is too small: give at least {LEAST_HEIGHT}, or 0 for the frames' own height"
        )
    return height


WorkingHeight = Annotated[int, Field(ge=0), AfterValidator(_no_tiny_height)]


def is_url(text: str) -> bool:
    """Whether text is a URL and no path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", text) is not None


def _no_url(value: object) -> object:
    # As a path it would become a folder of that name, or with one slash less.
    if is_url(str(value)):
        raise ValueError(
            f"{str(value)!r} is a URL, expected a folder: results are committed by an atomic rename and "
            "a flush to disk, which object stores and web servers lack; name a folder on a disk or on a "
            "shared file system, and copy between it and the URL before and after the run"
        )
    return value


Folder = Annotated[Path, BeforeValidator(_no_url), AfterValidator(given_path)]
OptionalFolder = Annotated[
    Path | None, BeforeValidator(_no_url), BeforeValidator(none_if_empty), AfterValidator(_at_home)
]


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

    location_fields: ClassVar[Set[str]] = frozenset()
    """Fields that locate something without defining it; left out of fingerprints."""
    later_fields: ClassVar[Set[str]] = frozenset()
    """Fields that fingerprints leave out at their default: results made before they existed stay valid."""

    @property
    def used_fields(self) -> Set[str]:
        """Fields that results depend on, given the other fields."""
        return type(self).model_fields.keys() - self.location_fields

    def fingerprinted(self) -> dict[str, Any]:
        """The settings as a fingerprint holds them, for JSON: unused fields make no difference."""
        fields = type(self).model_fields
        unchanged = {name for name in self.later_fields if getattr(self, name) == fields[name].default}
        return self.model_dump(mode="json", include=set(self.used_fields - unchanged))


class MethodSection(Section):
    """A stage that offers several methods."""

    fields_of_method: ClassVar[Mapping[str, Set[str]]]
    """The fields that each method uses, besides `method` and `location_fields`."""
    held_values: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """By method: values of unused fields that its fingerprint includes, because fingerprints of version 0.1
    did."""

    method: str = "auto"

    @property
    def chosen_method(self) -> str:
        """The method, with `auto` decided."""
        return self.method

    @property
    def used_fields(self) -> Set[str]:
        """`method`, and the fields of the chosen method."""
        return self.fields_of_method[self.chosen_method] | {"method"}

    def fingerprinted(self) -> dict[str, Any]:
        """The settings as a fingerprint holds them, for JSON, with `auto` decided."""
        values = super().fingerprinted()
        if "method" in values:
            values["method"] = self.chosen_method
        held = self.held_values.get(self.chosen_method, {})
        return {name: held[name] for name in held.keys() - self.used_fields} | values


class NetworkSection(MethodSection):
    """A stage that has a method with a network and weights, and others without."""

    location_fields: ClassVar[Set[str]] = {"weights"}
    network_method: ClassVar[str]
    """The method that uses the weights."""
    light_method: ClassVar[str] = ""
    """The method that uses weights of the light networks, of which a file is shipped; empty = none."""
    plain_method: ClassVar[str]
    """The method of `auto` where no weights are given."""
    classical_method: ClassVar[str] = ""
    """That of `auto` where the light networks cannot do their work together; empty = as above."""
    needs_weights: ClassVar[bool] = True
    """Whether `network_method` is of no use without weights."""

    weights: OptionalPath = None

    @property
    def chosen_method(self) -> str:
        """The method, with `auto` decided by the weights, if they are given."""
        if self.method != "auto":
            return self.method
        if self.weights is None:
            return self.plain_method
        is_light = self.light_method and variant_in(self.weights) == LIGHT
        return self.light_method if is_light else self.network_method
