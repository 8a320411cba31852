"""From a TOML preset and `section.key=value` settings to one validated `Config`."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from animeinterp.configs.errors import ConfigError, MovedPathWarning
from animeinterp.configs.found_weights import find_weights
from animeinterp.configs.names import given_path
from animeinterp.configs.sections import Config, Section
from animeinterp.configs.sections.section import is_url

Settings = Iterable[str] | Mapping[str, Any]
"""Settings on top of a config: strings `section.key=value`, or values by section and key."""

PRESET_FOLDER = Path(__file__).parent
PROJECT_FILE = "animeinterp.toml"
"""The config of a folder: commands that are started there use it by default."""
EXTENDS = "extends"  # the key by which a TOML file names the preset it starts from


def preset_names() -> list[str]:
    """Names of the shipped presets, usable in place of a file."""
    return sorted(path.stem for path in PRESET_FOLDER.glob("*.toml"))


def load_config(source: str | Path, settings: Settings = ()) -> Config:
    """Read a preset and apply single settings to it.

    Parameters
    ----------
    source
        A TOML file, or the name of a shipped preset such as `paper`. Its `extends` key, if any, names
        the preset (or a file beside it) that it starts from.
    settings
        Strings `section.key=value`. Where the key wants text or a path, the value is that, as it stands
        or quoted as in TOML; else it is TOML. Later settings win. Or values by
        section and key, see `setting_strings`.

    Returns
    -------
    Config
        Frozen and validated. Relative paths of a file go by its folder, those of shipped presets and of
        `settings` by the working folder. Weights files that are not given are those of `weights.folder`.

    Raises
    ------
    ConfigError
        Unknown file or key, wrong type, value out of range, impossible combination; the message names
        the key, the value found and what is allowed.
    """
    moved: dict[tuple[str, str], str] = {}
    tree = _read_tree(_find(source, PRESET_FOLDER), (), moved)
    for setting in setting_strings(settings):
        _apply(tree, setting)
    for key, file in find_weights(tree).items():
        section, name = key.split(".")
        tree.setdefault(section, {})[name] = file
    config = validate(tree, str(source))
    for path in _paths(tree):
        if path in moved:
            warnings.warn(MovedPathWarning(moved[path]), stacklevel=2)
    return config


def validate(tree: Mapping[str, Any], source: str) -> Config:
    """Turn nested settings into a `Config`, with every complaint in one `ConfigError`."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        complaints = "\n".join(f"  {_explain(detail)}" for detail in error.errors())
        raise ConfigError(f"{source}: settings refused\n{complaints}") from None


def text_setting(key: str, text: str) -> str:
    """A setting `section.key=value` that `load_config` reads as this very text, quoted where need be."""
    plain = text == text.strip() and _value(key.split("."), text) == text
    quoted = json.dumps(text, ensure_ascii=False).replace("\x7f", r"\u007f")  # TOML's way, but for DEL
    return f"{key}={text if plain else quoted}"


def setting_strings(settings: Settings) -> list[str]:
    """Settings as strings `section.key=value`.

    Parameters
    ----------
    settings
        Such strings; or values by section and key, such as `{"data": {"root": Path("frames")}}`. None stands
        for "not given".
    """
    return list(_settings_in(settings, "")) if isinstance(settings, Mapping) else list(settings)


def _settings_in(values: Mapping[str, Any], before: str) -> Iterator[str]:
    for name, value in values.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping):
            yield from _settings_in(value, f"{key}.")
        elif isinstance(value, str | Path):
            yield text_setting(key, str(value))
        else:
            yield f"{key}={'' if value is None else json.dumps(value, default=_plain)}"


def _plain(value: Any) -> Any:
    """A value of NumPy, or a path, as JSON has it."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def set_options(settings: Iterable[str]) -> list[str]:
    """The words by which a command is given settings."""
    return [word for setting in settings for word in ("--set", setting)]


def _find(source: str | Path, folder: Path) -> Path:
    path = given_path(source)
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


def _read_tree(path: Path, seen: tuple[Path, ...], moved: dict[tuple[str, str], str]) -> dict[str, Any]:
    if path.resolve() in seen:
        raise ConfigError(f"{path}: extends itself by way of {' -> '.join(p.name for p in seen)}")
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML ({error})") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    parent = tree.pop(EXTENDS, None)
    if path.absolute().parent != PRESET_FOLDER:
        _anchor(tree, path, moved)
    if parent is None:
        return tree
    if not isinstance(parent, str):
        raise ConfigError(f"{path}: {EXTENDS} = {parent!r} must be the name of a preset or a .toml file")
    base = _read_tree(_find(parent, path.parent), (*seen, path.resolve()), moved)
    return _overlay(base, tree)


def _overlay(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in top.items():
        below = base.get(key)
        base[key] = _overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return base


def _anchor(tree: dict[str, Any], file: Path, moved: dict[tuple[str, str], str]) -> None:
    """Take the relative paths of a file from its folder; note those that were others before 0.2."""
    folder, here = file.absolute().parent, Path.cwd()
    for key, written in list(_paths(tree)):
        if not written or given_path(written).is_absolute() or is_url(written):
            continue
        *sections, name = key.split(".")
        holder = tree
        for section in sections:
            holder = holder[section]
        holder[name] = str(_without_detours(folder / written))
        if folder != here and file.name != PROJECT_FILE:  # which version 0.1 did not know
            moved[key, holder[name]] = (
                f"{file}: {key} = {written!r} goes by the file's folder: {holder[name]}; before version 0.2 "
                f"it went by the working folder: {here / written}"
            )


def _without_detours(path: Path) -> Path:
    """A path without `..`, if that is the same place: after a link to a folder it is another."""
    straight = Path(os.path.normpath(path))
    return straight if os.path.realpath(straight) == os.path.realpath(path) else path


def _paths(
    tree: Mapping[str, Any], section: type[Section] = Config, before: str = ""
) -> Iterator[tuple[str, str]]:
    """Every setting given that is a path, by its full key."""
    for name, value in tree.items():
        field = section.model_fields.get(name)
        if field is None:
            continue
        if isinstance(value, dict):
            inner = _as_section(field.annotation)
            if inner is not None:
                yield from _paths(value, inner, f"{before}{name}.")
        elif isinstance(value, str) and Path in _choices(field.annotation):
            yield f"{before}{name}", value


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
    tree[name] = _value([*path, name], text.strip())


def _value(path: list[str], text: str) -> Any:
    """What a setting's text stands for."""
    if not _is_text(path):
        return _parse(text)
    # A comment is part of a text: within brackets it would hide the closing one.
    quoted = _parse(f"[{text}]") if text[:1] in ("'", '"') else None
    return quoted[0] if isinstance(quoted, list) and len(quoted) == 1 and isinstance(quoted[0], str) else text


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _is_text(path: list[str]) -> bool:
    """Whether a setting wants text or a path."""
    section: type[Section] | None = Config
    for name in path[:-1]:
        field = None if section is None else section.model_fields.get(name)
        section = None if field is None else _as_section(field.annotation)
    field = None if section is None else section.model_fields.get(path[-1])
    choices = () if field is None else _choices(field.annotation)
    return any(choice in (str, Path) or _are_words(choice) for choice in choices)


def _are_words(choice: Any) -> bool:
    return get_origin(choice) is Literal and all(isinstance(word, str) for word in get_args(choice))


def _choices(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _as_section(annotation: Any) -> type[Section] | None:
    found = (c for c in _choices(annotation) if isinstance(c, type) and issubclass(c, Section))
    return next(found, None)


def _explain(detail: ErrorDetails) -> str:
    where = [str(part) for part in detail["loc"]]
    key = ".".join(where) or "settings"
    match detail["type"]:
        case "extra_forbidden":
            allowed = _allowed_keys(where[:-1])
            close = difflib.get_close_matches(where[-1], allowed, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            return f"{key} = {detail['input']!r}: unknown key; {hint}allowed here: {', '.join(allowed)}"
        case "path_type" | "string_type":
            return f"{key} = {detail['input']!r}: expected text; write it in quotes"
        case "value_error":
            return f"{key}: {detail['msg'].removeprefix('Value error, ')}"
        case _:
            return f"{key} = {detail['input']!r}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _allowed_keys(path: list[str]) -> list[str]:
    section: type[Section] = Config
    for part in path:
        section = _as_section(section.model_fields[part].annotation) or section
    return list(section.model_fields)
