"""From a TOML preset and `section.key=value` settings to one validated `Config`."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from configs.errors import ConfigError
from configs.sections import Config, Section

PRESET_FOLDER = Path(__file__).parent
EXTENDS = "extends"  # the key by which a TOML file names the preset it starts from


def preset_names() -> list[str]:
    """Names of the shipped presets, usable in place of a file."""
    return sorted(path.stem for path in PRESET_FOLDER.glob("*.toml"))


def load_config(source: str | Path, settings: Iterable[str] = ()) -> Config:
    """Read a preset and apply single settings to it.

    Parameters
    ----------
    source
        A TOML file, or the name of a shipped preset such as `paper`. Its `extends` key, if any, names
        the preset (or a file beside it) that it starts from.
    settings
        Strings `section.key=value`; the value is TOML, and anything that is not TOML is taken as text.
        Later settings win.

    Returns
    -------
    Config
        Frozen and validated. Relative paths stay relative to the working folder.

    Raises
    ------
    ConfigError
        Unknown file or key, wrong type, value out of range, impossible combination; the message names
        the key, the value found and what is allowed.
    """
    tree = _read_tree(_find(source, PRESET_FOLDER), seen=())
    for setting in settings:
        _apply(tree, setting)
    return validate(tree, str(source))


def validate(tree: Mapping[str, Any], source: str) -> Config:
    """Turn nested settings into a `Config`, with every complaint in one `ConfigError`."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        complaints = "\n".join(f"  {_explain(detail)}" for detail in error.errors())
        raise ConfigError(f"{source}: settings refused\n{complaints}") from None


def text_setting(key: str, text: str) -> str:
    """A setting `section.key=value` that `load_config` reads as this very text, quoted where need be."""
    plain = text == text.strip() and _parse_value(text) == text
    return f"{key}={text if plain else json.dumps(text, ensure_ascii=False)}"  # TOML quotes as JSON does


def set_options(settings: Iterable[str]) -> list[str]:
    """The words by which a command is given settings."""
    return [word for setting in settings for word in ("--set", setting)]


def _find(source: str | Path, folder: Path) -> Path:
    path = Path(source)
    if path.suffix == ".toml":
        if path.is_file():
            return path
        if (folder / path).is_file():
            return folder / path
    elif (PRESET_FOLDER / f"{path}.toml").is_file():
        return PRESET_FOLDER / f"{path}.toml"
    raise ConfigError(
        f"config {str(source)!r} not found: give a .toml file or one of the shipped presets "
        f"({', '.join(preset_names())})"
    )


def _read_tree(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        raise ConfigError(f"{path}: extends itself by way of {' -> '.join(p.name for p in seen)}")
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML ({error})") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    parent = tree.pop(EXTENDS, None)
    if parent is None:
        return tree
    if not isinstance(parent, str):
        raise ConfigError(f"{path}: {EXTENDS} = {parent!r} must be the name of a preset or a .toml file")
    base = _read_tree(_find(parent, path.parent), (*seen, path.resolve()))
    return _overlay(base, tree)


def _overlay(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in top.items():
        below = base.get(key)
        base[key] = _overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return base


def _apply(tree: dict[str, Any], setting: str) -> None:
    key, equals, text = setting.partition("=")
    *path, name = key.strip().split(".")
    if not equals or not path or not name:
        raise ConfigError(
            f"setting {setting!r} is not of the form section.key=value, such as coarse_flow.method=zero"
        )
    for part in path:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"setting {setting!r}: {part!r} is a value, not a section")
    tree[name] = _parse_value(text.strip())


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(detail: ErrorDetails) -> str:
    where = [str(part) for part in detail["loc"]]
    key = ".".join(where) or "settings"
    match detail["type"]:
        case "extra_forbidden":
            allowed = _allowed_keys(where[:-1])
            close = difflib.get_close_matches(where[-1], allowed, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            return f"{key} = {detail['input']!r}: unknown key; {hint}allowed here: {', '.join(allowed)}"
        case "value_error":
            return f"{key}: {detail['msg'].removeprefix('Value error, ')}"
        case _:
            return f"{key} = {detail['input']!r}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _allowed_keys(path: list[str]) -> list[str]:
    section: type[Section] = Config
    for part in path:
        section = _section_type(section.model_fields[part].annotation)
    return list(section.model_fields)


def _section_type(annotation: Any) -> type[Section]:
    candidates = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next(c for c in candidates if isinstance(c, type) and issubclass(c, Section))
