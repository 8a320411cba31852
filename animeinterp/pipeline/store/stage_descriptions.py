"""Descriptions of fingerprints: settings, weights, code version and the earlier stages' fingerprints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from animeinterp.configs.files import replace_file
from animeinterp.pipeline.store.fingerprints import flat_settings, stage_fingerprint
from animeinterp.pipeline.store.versions import library_versions

DESCRIPTION_NAME = "stage.json"
DIGITS_SHOWN = 8  # digits of a digest, enough to distinguish it at a glance


@dataclass(frozen=True, slots=True)
class StageDescription:
    """Everything that the fingerprint of a stage covers."""

    stage: str
    fingerprint: str
    """Under which its results are kept."""
    version: int
    section: Mapping[str, Any]
    """Resolved settings."""
    weights: str | None
    """SHA-256 of the weights file."""
    reads: Mapping[str, str]
    """Fingerprints of the stages that it reads."""
    own: str = ""
    """Fingerprint of all this; another one if results from before a change were accepted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference."""

    stage: str
    what: str
    """`matching.area_penalty`, for example."""
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.what}: {self.old} -> {self.new}"


def write_description(folder: Path, description: StageDescription) -> None:
    """Write the description of a fingerprint into its folder, unless it is there.

    Nothing is written for accepted results: they were made under another description.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    if description.own != description.fingerprint or not description_trouble(folder):
        return
    content = description_content(description) | {"versions": library_versions()}
    replace_file(folder / DESCRIPTION_NAME, json.dumps(content, indent=1).encode())


def description_content(description: StageDescription) -> dict[str, Any]:
    """A description for JSON; `description_of` gives it back, without `own`."""
    return {
        "stage": description.stage,
        "fingerprint": description.fingerprint,
        "stage_version": description.version,
        "section": description.section,
        "weights": description.weights,
        "reads": description.reads,
    }


def description_of(content: Mapping[str, Any]) -> StageDescription:
    """The description that `description_content` made JSON of.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is something else.
    """
    return StageDescription(
        str(content["stage"]),
        str(content["fingerprint"]),
        int(content["stage_version"]),
        dict(content["section"]),
        content["weights"],
        dict(content["reads"]),
    )


def read_description(folder: Path) -> StageDescription | None:
    """Description in a fingerprint's folder; None if there is none."""
    try:
        found = description_of(json.loads((folder / DESCRIPTION_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.fingerprint == folder.name else None


def description_trouble(folder: Path) -> str:
    """Why the description in a fingerprint's folder is not valid; empty if it is.

    This does not affect the results: only people read it.
    """
    path = folder / DESCRIPTION_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        named = (content["stage"], content["fingerprint"])
        made = stage_fingerprint(
            named[0], content["stage_version"], content["section"], content["weights"], content["reads"]
        )
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError):
        return f"{path}: damaged"
    if (*named, made) != (folder.parent.name, folder.name, folder.name):
        return f"{path}: does not describe {folder.parent.name} {folder.name[:DIGITS_SHOWN]}"
    return ""


def own_differences(now: StageDescription, former: StageDescription) -> Iterator[Difference]:
    """Differences of a stage itself: code version, weights and settings."""
    stage = now.stage
    found = []
    # Methods count the versions of their code each for itself.
    if now.version != former.version and now.section.get("method") == former.section.get("method"):
        found.append(
            Difference(stage, f"{stage}: version of its code", str(former.version), str(now.version))
        )
    if now.weights != former.weights:
        found.append(Difference(stage, f"{stage}.weights", _file(former.weights), _file(now.weights)))
    # As JSON, like the stored ones, in which a tuple is a list.
    old, new = (flat_settings(json.loads(json.dumps(section))) for section in (former.section, now.section))
    found.extend(
        Difference(stage, f"{stage}.{key}", _value(old[key]), _value(new[key]))
        for key in new
        if key in old and old[key] != new[key]
    )
    if not found:  # else a setting used on only one side is so because of the others
        found.extend(
            Difference(
                stage, f"{stage}.{key}", _value(old.get(key, "not used")), _value(new.get(key, "not used"))
            )
            for key in dict.fromkeys([*old, *new])
            if (key in old) != (key in new)
        )
    yield from found


def _file(digest: str | None) -> str:
    return "no file" if digest is None else f"file of digest {digest[:DIGITS_SHOWN]}"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
