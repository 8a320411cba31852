from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def results(finished: None, tmp_path: Path) -> Path:
    """Folder of results beside a finished cache."""
    return tmp_path / "results"


@pytest.fixture
def setting(results: Path) -> str:
    """The setting that names it."""
    return f"store.results='{results}'"
