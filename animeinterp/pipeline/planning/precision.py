"""What `precision = "auto"` means: decided once for a cache, by the first run that computes with a network.

Every later command that uses the cache reads the decision, on whatever machine, so that all of them look for
the same results, and a cluster of unequal machines gives one answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from animeinterp.configs.errors import CacheError
from animeinterp.configs.files import replace_file
from animeinterp.configs.sections import Config, MethodSection
from animeinterp.configs.sections.section import AUTO
from animeinterp.models.precision import Precision, native_precision
from animeinterp.pipeline.store.commits import locked

RECORD = "precision.json"
Decisions = TypeAdapter(dict[str, Precision])
NOT_FOR: dict[str, tuple[Precision, ...]] = {"features": ("float16",)}
"""By stage: what it cannot compute in; it takes float32 instead."""


def undecided(config: Config) -> tuple[str, ...]:
    """Stages whose networks compute in a precision that is left to the machine."""
    return tuple(
        name
        for name, section in config
        if isinstance(section, MethodSection)
        and "precision" in section.used_fields
        and getattr(section, "precision", None) == AUTO
    )


def decide_precision(
    config: Config, *, record: bool, ask: Callable[[str], Precision] = native_precision
) -> Config:
    """The config with a precision in place of every `auto` that counts.

    Parameters
    ----------
    config
        Of a run.
    record
        Write the decision to the cache if it is made now.
    ask
        Returns the precision of the workers for a device.

    Raises
    ------
    CacheError
        The cache's record of the decision is damaged.
    OSError
        It cannot be written.
    """
    stages = undecided(config)
    if not stages:
        return config
    cache, device = config.store.cache, config.executor.device
    if record:
        with locked(cache):
            known = _recorded(cache)
            decided = known.get(device) or ask(device)
            if device not in known:
                replace_file(cache / RECORD, json.dumps({**known, device: decided}).encode(), flush=True)
    else:
        decided = _recorded(cache).get(device) or ask(device)
    return config.model_copy(
        update={
            stage: getattr(config, stage).model_copy(
                update={"precision": "float32" if decided in NOT_FOR.get(stage, ()) else decided}
            )
            for stage in stages
        }
    )


def _recorded(cache: Path) -> dict[str, Precision]:
    """The decisions of a cache, by device."""
    path = cache / RECORD
    try:
        return Decisions.validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValidationError) as error:
        raise CacheError(
            f"{path}: cannot be read ({type(error).__name__}), expected a precision for each device; remove "
            "it, and the next run decides anew"
        ) from None
