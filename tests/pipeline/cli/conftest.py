from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.small_runs import SMALL_NETWORK, Command, set_options


@pytest.fixture
def interpolate(command: Command, tmp_path: Path) -> Command:
    """Run `animeinterp interpolate` quickly, with a cache in `tmp_path`."""
    settings = [f"store.cache='{tmp_path / 'cache'}'", "executor.kind=inline", SMALL_NETWORK]

    def run(*words: object) -> tuple[int, str]:
        return command("interpolate", *map(str, words), *set_options(settings))

    return run
