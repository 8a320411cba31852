"""Every stage of a config, as described by its fingerprint."""

from __future__ import annotations

from collections.abc import Callable

from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.networks import weights_digest
from animeinterp.pipeline.compute.registry import STAGES, binding_of, needed_for
from animeinterp.pipeline.store.fingerprints import resolved_section, stage_fingerprint
from animeinterp.pipeline.store.stage_descriptions import StageDescription


def describe_stages(
    config: Config, last: str, resolve: Callable[[str, str], str]
) -> dict[str, StageDescription]:
    """Describe every stage of a config, in the order of the work.

    Parameters
    ----------
    config
        The settings.
    last
        Last selected stage; weights files that it does not depend on may be absent.
    resolve
        Maps a stage and its fingerprint to the fingerprint under which its results are kept.

    Raises
    ------
    WeightsError
        A weights file cannot be read, or does not fit the settings.
    """
    described: dict[str, StageDescription] = {}
    needed = needed_for(last, config)
    for stage in STAGES:
        binding = binding_of(stage, config)
        section = resolved_section(stage, config)
        weights = weights_digest(stage, config) if stage in needed else None
        reads = {name: described[name].fingerprint for name in binding.reads}
        own = stage_fingerprint(stage, binding.version, section, weights, reads)
        described[stage] = StageDescription(
            stage, resolve(stage, own), binding.version, section, weights, reads, own
        )
    return described
