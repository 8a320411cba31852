"""The reference of all settings, as Markdown: `python -m configs.reference > docs/configuration.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from pydantic_core import PydanticUndefined

from animeinterp.configs.sections import Config, Section

INTRODUCTION = """\
# Settings

A run is described by a TOML file. Commands use `animeinterp.toml` in the working folder (`animeinterp init`
writes one), or what `-c` or `ANIMEINTERP_CONFIG` names: a file of your own, or a shipped preset (`default`,
`fast`, `paper`, `released`, `demo`, `atd12k_test`, `atd12k_train`, `train_light`, `train_paper`). `default`
has the settings of `released`, computes faster, rounds flows and matches large frames at 540 rows; commands
that need no config use it. `fast` does without segment-guided matching and networks and takes a quarter of
the time. A file may extend another one or a preset (`extends = "default"`). On the command line, `--set
section.key=value` overrides a setting. For a key that holds text or a path, the value is taken literally
(`data.root=2024`), without quotes around it; for other keys it is TOML (`synthesis.times=[0.25, 0.5]`). An
empty value means "not given". Unknown keys, wrong types, values out of range and impossible combinations
are refused before anything is computed.

`animeinterp schema > animeinterp.schema.json` writes the JSON schema of configs. Editors with a TOML language
server (Taplo, Even Better TOML) then complete and check a config whose first line is
`#:schema ./animeinterp.schema.json`.

Relative paths in your own config file are relative to the folder of that file, so a run does not depend on
where it is started. Relative paths in `--set`, in other options and in the shipped presets are relative to
the working folder. (Before version 0.2, all were; commands print a note for each path that this changes.)

This page is generated from `configs/sections/` by `python -m animeinterp.configs.reference`.
"""


def reference() -> str:
    """Markdown page that describes every section and field with its type and default."""
    parts = [INTRODUCTION]
    for name, field in Config.model_fields.items():
        parts.extend(_section(name, field.annotation))
    return "\n".join(parts)


def _section(name: str, section: Any) -> Iterator[str]:
    yield f"## `[{name}]`\n"
    yield f"{(section.__doc__ or '').splitlines()[0]}\n"
    yield "| key | default | meaning |"
    yield "| --- | --- | --- |"
    nested = []
    for key, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            nested.append((f"{name}.{key}", inner))
            yield f"| `{key}` | see below | {_one_line(field.description)} |"
        else:
            yield f"| `{key}` | {_default(field.default)} | {_one_line(field.description)} |"
    yield ""
    for inner_name, inner in nested:
        yield from _section(inner_name, inner)


def _default(value: Any) -> str:
    if value is None or value is PydanticUndefined:
        return "not given"
    if isinstance(value, tuple):
        return f"`[{', '.join(_literal(part) for part in value)}]`"
    return f"`{_literal(value)}`"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else f'"{value}"'


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
