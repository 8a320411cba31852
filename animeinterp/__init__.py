"""The program in Python: the frame between two arrays, runs on datasets, and their results.

>>> import animeinterp
>>> middle = animeinterp.interpolate(frame0, frame1)
>>> results = animeinterp.run("default", {"data": {"root": "frames"}})
>>> flow = results["refinement"].arrays("Japan_v2_2_013471_s3")["refined_flow01"]

Everything here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from animeinterp.arrays import interpolate
    from animeinterp.configs.errors import AnimeInterpError
    from animeinterp.pipeline.results.reading import Results, StageResults, open_cache, open_results
    from animeinterp.runs import run

__all__ = [
    "AnimeInterpError",
    "Results",
    "StageResults",
    "interpolate",
    "open_cache",
    "open_results",
    "run",
]

_HOMES = {
    "AnimeInterpError": "animeinterp.configs.errors",
    "interpolate": "animeinterp.arrays",
    "run": "animeinterp.runs",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("animeinterp")
    if name not in __all__:
        raise AttributeError(f"module 'animeinterp' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES.get(name, "animeinterp.pipeline.results.reading")), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
