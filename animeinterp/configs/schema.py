"""The JSON schema of configs: `python -m configs.schema > configs/schema.json`."""

from __future__ import annotations

import json
import sys
from typing import Any

from animeinterp.configs.loading import EXTENDS, preset_names
from animeinterp.configs.sections import Config


def schema() -> str:
    """The schema of a config file as JSON, for editors: keys, types, ranges, choices and descriptions."""
    found = _without_null(Config.model_json_schema())
    found = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "animeinterp"} | {
        key: value for key, value in found.items() if key != "title"
    }
    extends = {
        "type": "string",
        "description": f"File or preset whose settings this one starts from: {', '.join(preset_names())}.",
    }
    found["properties"] = {EXTENDS: extends, **found["properties"]}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _without_null(value: Any) -> Any:
    """A schema without null, which TOML lacks: an empty text says that something is not given."""
    if isinstance(value, list):
        return [_without_null(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    plain = {
        key: _without_null(inner)
        for key, inner in value.items()
        if key != "default" or not (inner is None or isinstance(inner, dict))  # sections' repeat their keys'
    }
    choices = [choice for choice in plain.pop("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **plain}
    return plain | ({"anyOf": choices} if choices else {})


if __name__ == "__main__":
    sys.stdout.write(schema())
