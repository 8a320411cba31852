from __future__ import annotations

import json
import tomllib

import pytest
from jsonschema import Draft7Validator, validate

from animeinterp.configs.loading import PRESET_FOLDER, preset_names
from animeinterp.configs.schema import schema
from animeinterp.configs.sections import Config

SCHEMA = json.loads(schema())


def test_the_shipped_schema_is_up_to_date() -> None:
    assert (PRESET_FOLDER / "schema.json").read_text(encoding="utf-8") == schema(), (
        "run python -m configs.schema > configs/schema.json"
    )


def test_it_is_a_schema_without_null() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert "null" not in schema()
    assert set(SCHEMA["properties"]) == {"extends", *Config.model_fields}


@pytest.mark.parametrize("preset", preset_names())
def test_presets_name_it_and_satisfy_it(preset: str) -> None:
    text = (PRESET_FOLDER / f"{preset}.toml").read_text(encoding="utf-8")
    assert text.startswith("#:schema ./schema.json\n")
    validate(tomllib.loads(text), SCHEMA)


@pytest.mark.parametrize(
    "text",
    ["refinment = {}", "[matching]\narea = 1", "[refinement]\nmethod = 'magic'", "[executor]\nworkers = -1"],
)
def test_mistakes_are_seen(text: str) -> None:
    assert list(Draft7Validator(SCHEMA).iter_errors(tomllib.loads(text)))


@pytest.mark.parametrize(
    "text", ["[synthesis]\ntimes = [0.25]", "[features]\nweights = ''", "extends = 'paper'"]
)
def test_what_is_allowed_is_seen_as_such(text: str) -> None:
    validate(tomllib.loads(text), SCHEMA)
