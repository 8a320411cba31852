from __future__ import annotations

from typing import Any

import pytest

from animeinterp.data.cutouts import compiled as module


def _twice(number: int) -> int:
    return 2 * number


def test_a_function_gives_the_same_compiled() -> None:
    assert module.compiled(_twice)(21) == 42


def test_where_nothing_can_be_kept_a_function_is_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    njit = module.njit

    def refuses(cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(module, "njit", refuses)
    assert module.compiled(_twice)(4) == 8
