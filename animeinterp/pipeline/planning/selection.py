"""The selected part of the work: stages, pairs, and what to compute again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from animeinterp.configs.errors import ConfigError, similar
from animeinterp.configs.names import id_of
from animeinterp.configs.sections import Config
from animeinterp.data.manifest import Manifest
from animeinterp.pipeline.compute.registry import STAGES, needed_for


@dataclass(frozen=True)
class Selection:
    """The selected part of the work."""

    first: str = "segmentation"
    last: str = "evaluation"
    force: frozenset[str] = frozenset()
    """Stages to compute again even if they are current."""
    retry_failed: bool = False
    limit: int | None = None
    """Only the first pairs of the dataset."""
    ids: tuple[str, ...] = ()
    """Only these pairs."""
    rehash: bool = False
    """Whether every byte of the source files is looked at again, whatever their state says."""
    replace_results: bool = False
    """Whether results of another config in `store.results` give way to those of this one."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages from first to last, needed or not.

        Raises
        ------
        ConfigError
            A stage is unknown, or the last comes before the first.
        """
        names = list(STAGES)
        for name in (self.first, self.last, *self.force):
            if name not in names:
                raise unknown_stage(name)
        start, stop = names.index(self.first), names.index(self.last)
        if stop < start:
            raise ConfigError(
                f"--from {self.first} comes after --to {self.last}; the order is {', '.join(names)}"
            )
        return tuple(names[start : stop + 1])


def unknown_stage(name: str) -> ConfigError:
    """Error for a stage that does not exist; it names a similar one."""
    close = get_close_matches(name, STAGES, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return ConfigError(f"stage {name!r} is unknown; {hint}the stages are {', '.join(STAGES)}")


def wanted_stages(selection: Selection, config: Config) -> tuple[str, ...]:
    """Stages to run: those from first to last that the last one depends on with this config.

    Raises
    ------
    ConfigError
        The selection is impossible, or forces a stage that does not run.
    """
    needed = needed_for(selection.last, config) if selection.last in STAGES else ()
    chosen = tuple(stage for stage in selection.stages if stage in needed)
    idle = sorted(selection.force - set(chosen))
    if idle:
        raise ConfigError(f"--force {idle[0]}: this stage does not run ({', '.join(chosen)})")
    return chosen


def unknown_pair(manifest: Manifest, name: str) -> ConfigError:
    """Error for an id that the dataset does not hold; it names similar ones."""
    ids = [pair.id for pair in manifest.pairs]
    return ConfigError(f"no pair {name!r} in {manifest.root}; did you mean {similar(name, ids)}?")


def find_pairs(manifest: Manifest, names: Sequence[str]) -> list[int]:
    """Positions of pairs by their ids, or by the names of their folders, which may not be fit for ids.

    Raises
    ------
    ConfigError
        One is not in the dataset; the message names similar ones.
    """
    position = {pair.id: index for index, pair in enumerate(manifest.pairs)}
    found = [position.get(name, position.get(id_of(name))) for name in names]
    for name, index in zip(names, found, strict=True):
        if index is None:
            raise unknown_pair(manifest, name)
    return [index for index in found if index is not None]


def wanted_pairs(manifest: Manifest, selection: Selection) -> frozenset[int]:
    """Positions of the selected pairs.

    Raises
    ------
    ConfigError
        An id is not in the dataset.
    """
    chosen = find_pairs(manifest, selection.ids) or list(range(len(manifest.pairs)))
    if selection.limit is not None:
        chosen = chosen[: selection.limit]
    return frozenset(chosen)
