"""The config as the first argument, as commands took it before version 0.2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

VALUES = {"str": "TEXT", "Path": "PATH"}
"""What help calls values of other types than numbers and choices."""


def in_plain_words(params: list[Any], ctx: Any) -> list[Any]:
    """Parameters as help names their values: not by types of Python, and flags have none."""
    for one in params:
        if one.param_type_name == "argument":
            one.display_type_rich = lambda **_: None  # its name says it
        elif getattr(one, "is_flag", False):
            one.metavar = ""
        elif one.metavar is None:
            kind = one.display_type(ctx).strip("<>")
            one.metavar = "N" if kind.startswith(("int", "float ")) else VALUES.get(kind, kind)
    return params


class CommandGroup(TyperGroup):
    """Commands under one name."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, as help names them."""
        return in_plain_words(super().get_params(ctx), ctx)


class ConfigCommand(TyperCommand):
    """A command that also takes its config as the first argument, as in version 0.1."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, as help names them."""
        return in_plain_words(super().get_params(ctx), ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Make a first argument that is the config an option."""
        return super().parse_args(ctx, self._with_option(list(args)))

    def _with_option(self, args: list[str]) -> list[str]:
        places = list(self._places_of_arguments(args))
        declared = [one for one in self.params if one.param_type_name == "argument"]
        option = next((one for one in self.params if one.name in ("config", "configs")), None)
        if option is None or not places or any(one.nargs == -1 for one in declared):
            return args
        if any(word.partition("=")[0] in option.opts for word in args):
            return args
        first = args[places[0]]
        is_optional = any(not one.required for one in declared)
        if len(places) > len(declared) or (is_optional and _is_config(first)):
            moved = places if option.multiple and not declared else places[:1]
            named = [word for place in moved for word in ("--config", args[place])]
            return [*named, *(word for place, word in enumerate(args) if place not in moved)]
        return args

    def _places_of_arguments(self, args: Sequence[str]) -> Iterator[int]:
        """Where in the command line there is neither an option nor its value."""
        with_value = {name for one in self.params if not getattr(one, "is_flag", True) for name in one.opts}
        skip = False
        for place, word in enumerate(args):
            if skip:
                skip = False
            elif word.startswith("-"):
                skip = word in with_value
            else:
                yield place


def _is_config(word: str) -> bool:
    from animeinterp.configs.loading import preset_names  # only where a command is called

    return word.endswith(".toml") or word in preset_names()
