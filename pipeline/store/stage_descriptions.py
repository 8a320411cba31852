"""What a fingerprint stands for: settings, weights, code version and the earlier stages' fingerprints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.files import replace_file
from pipeline.store.fingerprints import flat_settings, stage_fingerprint
from pipeline.store.versions import library_versions

DESCRIPTION_NAME = "stage.json"
DIGITS_SHOWN = 8  # of a digest, enough to tell it from others at a glance


@dataclass(frozen=True, slots=True)
class StageDescription:
    """A stage under some config, as its fingerprint sees it."""

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
    """Fingerprint of all this; another one where results of before a change were accepted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was."""

    stage: str
    what: str
    """`matching.area_penalty`, for example."""
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.what}: {self.old} -> {self.new}"


def write_description(folder: Path, description: StageDescription) -> None:
    """Say in a fingerprint's folder what the fingerprint stands for, unless it is said already.

    Of results that were accepted nothing is said: they were made under another description.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    if description.own != description.fingerprint or not description_trouble(folder):
        return
    content = {
        "stage": description.stage,
        "fingerprint": description.fingerprint,
        "stage_version": description.version,
        "section": description.section,
        "weights": description.weights,
        "reads": description.reads,
        "versions": library_versions(),
    }
    replace_file(folder / DESCRIPTION_NAME, json.dumps(content, indent=1).encode())


def read_description(folder: Path) -> StageDescription | None:
    """What a fingerprint's folder says that it stands for; None where it does not say."""
    try:
        content = json.loads((folder / DESCRIPTION_NAME).read_text(encoding="utf-8"))
        if content["fingerprint"] != folder.name:
            return None
        return StageDescription(
            str(content["stage"]),
            folder.name,
            int(content["stage_version"]),
            dict(content["section"]),
            content["weights"],
            dict(content["reads"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def description_trouble(folder: Path) -> str:
    """Why what a fingerprint's folder says of itself is not to be trusted; empty when it is.

    The results there are none the worse: nothing but people read it.
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
        return f"{path}: is damaged"
    if (*named, made) != (folder.parent.name, folder.name, folder.name):
        return f"{path}: does not describe {folder.parent.name} {folder.name[:DIGITS_SHOWN]}"
    return ""


def own_differences(now: StageDescription, former: StageDescription) -> Iterator[Difference]:
    """What of a stage itself is not as it was: its code's version, weights and settings."""
    stage = now.stage
    found = []
    if now.version != former.version:
        found.append(
            Difference(stage, f"{stage}: version of its code", str(former.version), str(now.version))
        )
    if now.weights != former.weights:
        found.append(Difference(stage, f"{stage}.weights", _file(former.weights), _file(now.weights)))
    # As JSON, since that is how the former ones were kept: a tuple is a list there.
    old, new = (flat_settings(json.loads(json.dumps(section))) for section in (former.section, now.section))
    found.extend(
        Difference(stage, f"{stage}.{key}", _value(old[key]), _value(new[key]))
        for key in new
        if key in old and old[key] != new[key]
    )
    if not found:  # else a setting that counts on one side only does so because of the others
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
