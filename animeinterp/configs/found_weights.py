"""Weights files that need no setting: those in the folder that `animeinterp weights fetch` fills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from animeinterp.configs.names import given_path
from animeinterp.configs.sections import (
    Config,
    FeaturesSection,
    NetworkSection,
    RefinementSection,
    SynthesisSection,
)

VGG19_FILE = "vgg19-dcbb9e9d.pth"
ANIMEINTERP_FILE = "anime_interp_full.ckpt"
ALEXNET_FILE, VGG16_FILE = "alexnet-owt-7be5be79.pth", "vgg16-397923af.pth"
ALEXNET_HEADS_FILE, VGG16_HEADS_FILE = "lpips-alex.pth", "lpips-vgg.pth"

FILE_OF: Mapping[str, str] = MappingProxyType(
    {
        "features.weights": VGG19_FILE,
        "refinement.weights": ANIMEINTERP_FILE,
        "synthesis.weights": ANIMEINTERP_FILE,
    }
)
"""The file that is looked for, by setting."""
SECTIONS: Mapping[str, type[NetworkSection]] = MappingProxyType(
    {"features": FeaturesSection, "refinement": RefinementSection, "synthesis": SynthesisSection}
)
LPIPS = ("evaluation.lpips_backbone", "evaluation.lpips_weights")
LPIPS_FILES = ((ALEXNET_FILE, ALEXNET_HEADS_FILE), (VGG16_FILE, VGG16_HEADS_FILE))
"""For these two settings; the first two that are there."""
RELEASED: Mapping[str, bool | int | str] = MappingProxyType(
    {
        "refinement.confidence_mask": False,
        "refinement.initial_flow_additions": 2,
        "synthesis.splatting": "average",
    }
)
"""Settings that the authors' checkpoint was trained with."""


@dataclass(frozen=True, slots=True)
class Unsuitable:
    """A file that is there and not used."""

    path: Path
    setting: str
    """Which contradicts what the file was trained with."""
    trained: bool | int | str
    chosen: Any


def user_folder() -> Path:
    """The user's folder of weights, which every config searches unless it names another."""
    from platformdirs import user_data_path

    return user_data_path("animeinterp", appauthor=False) / "weights"


def weights_folder(settings: Mapping[str, Any]) -> Path:
    """The folder of weights of a config, whose settings are given by section."""
    folder = _value(settings, "weights.folder")
    return given_path(str(folder)) if folder else user_folder()


def find_weights(settings: Mapping[str, Any]) -> dict[str, Path]:
    """Files for settings that are not given, by setting.

    Notes
    -----
    The authors' checkpoint is used only with the settings that it was trained with, and LPIPS only if both
    its files are there. An empty value says that no file is to be used.
    """
    folder = weights_folder(settings)
    found = {
        setting: folder / file
        for setting, file in FILE_OF.items()
        if _is_open(settings, setting) and _is_there(folder / file) and _contradiction(settings, file) is None
    }
    for files in LPIPS_FILES:
        paths = [folder / file for file in files]
        if all(map(_is_there, paths)) and all(_value(settings, setting) is None for setting in LPIPS):
            return found | dict(zip(LPIPS, paths, strict=True))
    return found


def unsuitable_weights(config: Config) -> Iterator[Unsuitable]:
    """Files that would have been used with other settings."""
    settings = config.model_dump()
    for file in dict.fromkeys(FILE_OF.values()):
        path = weights_folder(settings) / file
        wanted = any(_is_open(settings, setting) for setting, name in FILE_OF.items() if name == file)
        contradicted = _contradiction(settings, file)
        if wanted and contradicted is not None and _is_there(path):
            yield Unsuitable(path, contradicted, RELEASED[contradicted], _value(settings, contradicted))


def missing_files(config: Config) -> list[str]:
    """Files that are not there and that the config would use."""
    settings = config.model_dump()
    return list(
        dict.fromkeys(
            file
            for setting, file in FILE_OF.items()
            if _is_open(settings, setting) and _contradiction(settings, file) is None
        )
    )


def _is_open(settings: Mapping[str, Any], setting: str) -> bool:
    """Whether a weights file is not given, and would be used."""
    section, _ = setting.split(".")
    methods = ("auto", SECTIONS[section].network_method)
    return _value(settings, setting) is None and _value(settings, f"{section}.method") in methods


def _contradiction(settings: Mapping[str, Any], file: str) -> str | None:
    """The first setting that is not what a file was trained with."""
    trained = RELEASED if file == ANIMEINTERP_FILE else {}
    return next((key for key, value in trained.items() if _value(settings, key) != value), None)


def _value(settings: Mapping[str, Any], setting: str) -> Any:
    """The value of a setting, or else its default."""
    name, key = setting.split(".")
    section, default = settings.get(name), Config.model_fields[name].default
    given = section.get(key) if isinstance(section, Mapping) else None
    return getattr(default, key) if given is None else given


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, say
        return False
