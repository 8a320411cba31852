from __future__ import annotations

from animeinterp.configs.reference import reference
from animeinterp.configs.sections import Config
from tests.project import ROOT


def test_page_is_up_to_date() -> None:
    page = ROOT / "docs" / "configuration.md"
    assert page.read_text(encoding="utf-8") == reference(), (
        "python -m configs.reference > docs/configuration.md"
    )


def test_every_field_is_described() -> None:
    text = reference()
    for name, field in Config.model_fields.items():
        assert f"## `[{name}]`" in text
        assert field.annotation is not None
        for key, inner in field.annotation.model_fields.items():
            assert f"| `{key}` |" in text
            assert inner.description
