from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import pytest
import torch

from animeinterp.models import compiled as module
from animeinterp.models.compiled import compiled, in_bands


def double(number):
    return 2 * number


def test_same_result_and_kept_in_a_cache():
    function = compiled(double)
    assert function(21) == 42
    assert isinstance(function, numba.core.dispatcher.Dispatcher)


def test_works_where_no_cache_can_be_written(monkeypatch: pytest.MonkeyPatch):
    def njit(*, cache: bool = False, **options: Any) -> Callable[..., Any]:
        if cache:
            raise RuntimeError("cannot cache function 'double': no locator available for file")
        return numba.njit(**options)

    monkeypatch.setattr(module, "njit", njit)
    assert compiled(double)(21) == 42


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 4, 13])
def test_bands_cover_the_range_once(threads: int, count: int):
    before, seen = torch.get_num_threads(), []
    try:
        torch.set_num_threads(threads)
        in_bands(lambda start, stop: seen.extend(range(start, stop)), count)
    finally:
        torch.set_num_threads(before)
    assert sorted(seen) == list(range(count))


def test_trouble_in_a_band_is_raised():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(ZeroDivisionError):
            in_bands(lambda start, stop: 1 // start, 8)
    finally:
        torch.set_num_threads(before)
