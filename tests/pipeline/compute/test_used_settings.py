"""The settings that each method is said to use are those that its work reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animeinterp.configs.loading import load_config
from animeinterp.configs.sections import Section
from animeinterp.data.sgm_folders import FLOWS
from animeinterp.pipeline.compute.registry import STAGES, binding_of
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.shard_planning import shard_job
from tests.pipeline.random_checkpoints import make_checkpoint
from tests.pipeline.small_runs import SIZE, small_settings

NOT_IN_THE_WORK = {"method", "times", "imported_as"}  # these are read where the work is planned
METHODS = [(stage, method) for stage, entry in STAGES.items() for method in entry.methods if method]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights for refinement and synthesis, and flows to be imported."""
    folder = tmp_path_factory.mktemp("given")
    make_checkpoint(folder / "random.ckpt", 0)
    return folder


def noting(section: Section, read: set[str]) -> Section:
    """The same settings, noting the names of those that are read."""
    kind = type(section)

    class Noting(kind):  # type: ignore[misc, valid-type]
        def __getattribute__(self, name: str) -> Any:
            if name in kind.model_fields:
                read.add(name)
            return super().__getattribute__(name)

    return Noting.model_construct(**dict(section))  # type: ignore[no-any-return]


@pytest.mark.parametrize(("stage", "method"), METHODS)
def test_a_method_reads_the_settings_that_it_uses_and_no_others(
    stage: str, method: str, folder: Path, cartoons: Path, finished_cache: Path
) -> None:
    light = ["refinement.method=light", "synthesis.method=light"]
    settings = [*small_settings(cartoons, finished_cache), *light, f"{stage}.method={method}"]
    if method in ("rfr", "gridnet"):
        settings += [f"{stage}.weights='{folder / 'random.ckpt'}'"]
    if method == "imported":
        settings += [f"coarse_flow.imported_from='{folder}'"]
        for pair in (cartoons / "test_2k_540p").iterdir():
            (folder / pair.name).mkdir()
            for name in FLOWS:
                np.save(folder / pair.name / name, np.zeros((2, *SIZE)))
    config = load_config("demo", settings)
    session = Session.open(config, Selection(force=frozenset({stage})), look_only=True)
    source = shard_job(session, stage, 0).items[0].source
    assert source is not None
    section, read = getattr(config, stage), set[str]()
    binding_of(stage, config).compute(source, config.model_copy(update={stage: noting(section, read)}))
    assert read - NOT_IN_THE_WORK - section.location_fields == section.used_fields - NOT_IN_THE_WORK
