"""Fingerprints: digests of everything that a stage's results depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from animeinterp.configs.sections import Config, MethodSection, Section

DIGEST_LENGTH = 32  # hex digits kept of a SHA-256: 128 bits, no accidental collision in any cache

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical_digest(content: Any) -> str:
    """Digest of JSON-like content, the same for equal content whatever the order of its keys."""
    return hashlib.sha256(_canonical.encode(content).encode()).hexdigest()[:DIGEST_LENGTH]


def resolved_section(stage: str, config: Config) -> dict[str, Any]:
    """The settings of a stage that are part of its fingerprint."""
    section: Section = getattr(config, stage)
    return section.fingerprinted()


def flat_settings(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings, with those of nested sections under their full names: `anime.low`."""
    flat: dict[str, Any] = {}
    for key, value in section.items():
        if isinstance(value, Mapping):
            flat |= flat_settings(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def resolved_method(stage: str, config: Config) -> str:
    """Method of a stage that has one, with `auto` decided by whether weights are given."""
    section: MethodSection = getattr(config, stage)
    return section.chosen_method


def stage_fingerprint(
    stage: str, version: int, section: Mapping[str, Any], weights: str | None, upstream: Mapping[str, str]
) -> str:
    """Fingerprint of a stage.

    Parameters
    ----------
    stage, version
        Its name and the version of its code.
    section
        Its resolved settings.
    weights
        SHA-256 of its weights file, if any.
    upstream
        Fingerprints of the stages that it reads, by name.
    """
    return canonical_digest(
        {
            "stage": stage,
            "version": version,
            "section": dict(section),
            "weights": weights,
            "upstream": dict(upstream),
        }
    )
