from __future__ import annotations

import subprocess
import sys

import pytest

import animeinterp
from tests.project import PATIENCE, ROOT

IMPORT = """
import sys
before = set(sys.modules)
import animeinterp
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(names - sys.stdlib_module_names))
"""


def test_importing_it_imports_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stdout.strip() == "['animeinterp']"


def test_everything_that_it_offers_is_there_and_described() -> None:
    for name in animeinterp.__all__:
        assert name in dir(animeinterp)
        assert getattr(animeinterp, name).__doc__
    assert animeinterp.__version__.count(".") == 2


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'interpolat'; it has .*interpolate"):
        animeinterp.interpolat  # noqa: B018
