from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import pytest

from stages import compiled as module
from stages.compiled import compiled


def double(number):
    return 2 * number


def test_same_result_and_kept_in_a_cache():
    function = compiled(double)
    assert function(21) == 42
    assert isinstance(function, numba.core.dispatcher.Dispatcher)


def test_works_where_no_cache_can_be_written(monkeypatch: pytest.MonkeyPatch):
    def njit(function: Callable[..., Any] | None = None, *, cache: bool = False) -> Any:
        if cache:
            raise RuntimeError("cannot cache function 'double': no locator available for file")
        return numba.njit(function)

    monkeypatch.setattr(module, "njit", njit)
    assert compiled(double)(21) == 42
