"""With which methods, weights and precision frames are made: what readers of results must know first."""

from __future__ import annotations

from pathlib import Path

from animeinterp.configs.found_weights import missing_files, unsuitable_weights
from animeinterp.configs.names import own_command
from animeinterp.configs.sections import Config, MethodSection
from animeinterp.configs.sections.section import AUTO
from animeinterp.models.weights.records import RECORDS
from animeinterp.pipeline.compute.networks import weights_paths
from animeinterp.pipeline.compute.registry import binding_of, needed_for


def methods_line(config: Config, last: str = "evaluation") -> str:
    """The weights, methods and precision of a config in a line, as far as a stage depends on them.

    Stages are grouped by their weights files: `with anime_interp_full.ckpt: refinement by rfr (bfloat16),
    synthesis by gridnet (bfloat16); without weights: features by appearance`. A precision that is still
    `auto` is not named.
    """
    groups: dict[tuple[Path, ...], list[str]] = {}
    for stage in needed_for(last, config):
        section, paths = getattr(config, stage), tuple(weights_paths(stage, config).values())
        if isinstance(section, MethodSection):
            network = binding_of(stage, config).network
            random = " with random weights" if network is not None and not paths else ""
            said = f"{stage} by {section.chosen_method}{random}{_precision(section)}"
            groups.setdefault(paths, []).append(said)
        elif paths:
            groups.setdefault(paths, []).append(f"{stage} by LPIPS, too")
    parts = [
        f"{_files(paths)}: {', '.join(found)}"
        for paths, found in sorted(groups.items(), key=lambda group: not group[0])
    ]
    return "; ".join(parts)


def _precision(section: MethodSection) -> str:
    chosen = getattr(section, "precision", AUTO) if "precision" in section.used_fields else AUTO
    return "" if chosen == AUTO else f" ({chosen})"


def _files(paths: tuple[Path, ...]) -> str:
    return f"with {' and '.join(path.name for path in paths)}" if paths else "without weights"


def weights_notes(config: Config, last: str = "evaluation") -> list[str]:
    """What would make other weights used: files to fetch, and settings that contradict files at hand."""
    needed = needed_for(last, config)
    said = [
        f"{found.path} is not used: it was trained with {found.setting} = {_toml(found.trained)}, "
        f"and here it is {_toml(found.chosen)}; the presets default and released have its settings"
        for found in unsuitable_weights(config)
        if found.setting.split(".")[0] in needed
    ]
    missing = [
        record.name
        for record in RECORDS
        if record.file in missing_files(config)
        and any(setting.split(".")[0] in needed for setting in record.settings)
    ]
    if missing:
        fetch = own_command("weights", "fetch", *missing)
        said.append(f"trained weights, once fetched, are used by every command: {fetch}")
    return said


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
