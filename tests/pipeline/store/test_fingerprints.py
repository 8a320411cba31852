from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args, get_origin

import pytest

from animeinterp.configs.loading import load_config
from animeinterp.configs.sections import Config, MethodSection, NetworkSection, Section
from animeinterp.models.weights.records import SHIPPED
from animeinterp.pipeline.compute.registry import STAGES, binding_of
from animeinterp.pipeline.store.fingerprints import (
    canonical_digest,
    flat_settings,
    resolved_method,
    resolved_section,
    stage_fingerprint,
)


def fingerprints(*settings: str, weights: str | None = None) -> dict[str, str]:
    config = load_config("paper", settings)
    found: dict[str, str] = {}
    for name in STAGES:
        binding = binding_of(name, config)
        upstream = {reads: found[reads] for reads in binding.reads}
        digest = weights if name == "features" else None
        found[name] = stage_fingerprint(
            name, binding.version, resolved_section(name, config), digest, upstream
        )
    return found


def changed(*settings: str, weights: str | None = None) -> list[str]:
    before, after = fingerprints(), fingerprints(*settings, weights=weights)
    return [name for name in STAGES if before[name] != after[name]]


def test_settings_of_sections_within_sections_have_their_whole_names() -> None:
    flat = flat_settings(resolved_section("segmentation", Config()))
    assert flat["anime.low"] == 2
    assert flat["merge_rounds"] == 10
    assert flat_settings({}) == {}


def test_a_setting_changes_its_stage_and_those_that_read_it() -> None:
    assert changed("segmentation.anime.low=3") == list(STAGES)
    assert changed("features.method=vgg19") == list(STAGES)[1:]
    assert changed("matching.area_penalty=10") == list(STAGES)[2:]
    assert changed("coarse_flow.method=zero") == list(STAGES)[3:]
    assert changed("refinement.height=64") == list(STAGES)[4:]
    assert changed("synthesis.times=[0.25, 0.5]") == list(STAGES)[5:]
    assert changed("evaluation.chamfer=false") == list(STAGES)[6:]


@pytest.mark.parametrize(
    ("stage", "plain", "network", "setting"),
    [
        ("features", "appearance", "vgg19", "features.layers=['relu1_1']"),
        ("features", "appearance", "vgg19", "features.precision=bfloat16"),
        ("refinement", "inverse_search", "rfr", "refinement.iterations=6"),
        ("refinement", "inverse_search", "rfr", "refinement.fraction_bits=10"),
        ("synthesis", "composite", "gridnet", "synthesis.splatting=average"),
        ("synthesis", "composite", "gridnet", "synthesis.height=64"),
    ],
)
def test_settings_of_a_network_count_where_it_is_used(
    stage: str, plain: str, network: str, setting: str
) -> None:
    def both(method: str) -> tuple[str, str]:
        chosen = [f"{stage}.weights=x", f"{stage}.method={method}"]
        before, after = (fingerprints(*chosen, *more, weights="digest") for more in ((), (setting,)))
        return before[stage], after[stage]

    without, same = both(plain)
    assert without == same
    used, other = both(network)
    assert used != other


def test_vgg19_is_as_it_was_before_there_was_another_method() -> None:
    section = resolved_section("features", load_config("paper", ["features.method=vgg19"]))
    assert section.keys() == {"layers", "seed", "precision"}
    assert resolved_section("features", Config()) == {"method": "appearance"}


def test_results_of_version_0_1_are_found() -> None:
    """Its fingerprints held what these methods do not use, at the defaults."""
    chosen = ["refinement.method=none", "synthesis.method=blend"]
    for preset in ("paper", "released"):
        config = load_config(preset, [*chosen, "refinement.iterations=7", "refinement.height=64"])
        assert resolved_section("refinement", config) == {
            "method": "none",
            "confidence_mask": True,
            "initial_flow_additions": 1,
            "iterations": 12,
            "precision": "float32",
        }
    config = load_config("paper", [*chosen, "synthesis.precision=bfloat16", "synthesis.height=64"])
    assert resolved_section("synthesis", config) == {
        "method": "blend",
        "splatting": "softmax",
        "softmax_alpha": -20,
        "precision": "float32",
        "times": [0.5],
        "dtype": "uint8",
    }


def ways() -> Iterator[tuple[str, ...]]:
    """Each stage, and settings that choose each of its methods, of those with networks also with weights."""
    for stage in STAGES:
        section = getattr(Config(), stage)
        for method in section.fields_of_method if isinstance(section, MethodSection) else [""]:
            chosen = [f"{stage}.method={method}"] if method else []
            chosen += ["coarse_flow.imported_from=x"] if method == "imported" else []
            networked = isinstance(section, NetworkSection)
            if not (networked and section.needs_weights and method == section.network_method):
                yield stage, *chosen
            if networked:
                yield stage, *chosen, f"{stage}.weights=x"
    yield "synthesis", "synthesis.method=blend", "synthesis.splatting=average"


def another(section: Section, name: str) -> str:
    """Another value of a field, as a setting has it."""
    field, value = type(section).model_fields[name], getattr(section, name)
    if get_origin(field.annotation) is Literal:
        return str(next(choice for choice in get_args(field.annotation) if choice != value))
    match value:
        case Section():
            return "{low=3}"
        case tuple():
            return "['relu1_1']" if name == "layers" else "[0.25]"
        case bool():
            return str(not value).lower()
        case int():
            return "64" if name == "height" else str(value + 1)
        case float():
            return str(value * 1.01)
        case _:
            return f"other{value}"


@pytest.mark.parametrize("way", list(ways()), ids=" ".join)
def test_the_settings_that_a_method_uses_count_and_no_others(way: tuple[str, ...]) -> None:
    stage, *chosen = way
    section = getattr(load_config("paper", chosen), stage)
    before = fingerprints(*chosen)[stage]
    fields = type(section).model_fields.keys() - section.location_fields - {"method"}
    counting = {
        name
        for name in fields
        if fingerprints(*chosen, f"{stage}.{name}={another(section, name)}")[stage] != before
    }
    assert counting == section.used_fields - {"method"}


def test_settings_of_another_method_do_not_count() -> None:
    zero = "coarse_flow.method=zero"
    settings = ["coarse_flow.max_shift=7", "segmentation.merge_rounds=2", "matching.area_penalty=9"]
    assert fingerprints(zero)["evaluation"] == fingerprints(zero, *settings)["evaluation"]
    assert resolved_section("coarse_flow", load_config("paper", [zero, *settings])) == {"method": "zero"}
    imported = [
        "coarse_flow.method=imported",
        "coarse_flow.imported_from=x",
        "coarse_flow.imported_as=theirs",
    ]
    section = resolved_section("coarse_flow", load_config("paper", [*imported, *settings]))
    assert section == {"method": "imported", "imported_as": "theirs"}
    assert changed("coarse_flow.imported_as=theirs", "coarse_flow.imported_from=x") == []


def test_imports_count_by_name_not_by_place() -> None:
    def imported(place: str, name: str) -> str:
        settings = [f"coarse_flow.imported_from={place}", f"coarse_flow.imported_as={name}"]
        return fingerprints("coarse_flow.method=imported", *settings)["coarse_flow"]

    assert imported("a", "one") == imported("b/c", "one") != imported("a", "two")


def test_weights_count_by_content_not_by_place() -> None:
    assert changed(weights="digest") == list(STAGES)[1:]
    here, there = (
        fingerprints(f"features.weights={place}", weights="digest") for place in ("a.pth", "b/c.pth")
    )
    assert here == there


def test_seed_counts_without_weights_only() -> None:
    plain, seeded = (fingerprints("features.method=vgg19", f"features.seed={seed}") for seed in (0, 3))
    assert [stage for stage in STAGES if plain[stage] != seeded[stage]] == list(STAGES)[1:]
    one, two = (fingerprints("features.weights=a.pth", f"features.seed={seed}") for seed in (0, 3))
    assert one == two


def test_places_workers_and_shards_do_not_count() -> None:
    settings = ["data.root=/x", "store.cache=/y", "store.pairs_per_shard=3", "executor.kind=inline"]
    assert changed(*settings, "executor.workers=7", "executor.threads=2", "executor.device=cuda") == []


def test_version_counts() -> None:
    section = resolved_section("matching", Config())
    assert stage_fingerprint("matching", 1, section, None, {}) != stage_fingerprint(
        "matching", 2, section, None, {}
    )


def test_auto_methods_are_resolved_by_weights() -> None:
    plain, given = Config(), load_config("paper", ["refinement.weights=a.ckpt", "synthesis.weights=a.ckpt"])
    assert [resolved_method(s, plain) for s in ("features", "coarse_flow", "refinement", "synthesis")] == [
        "appearance",
        "sgm",
        "light",
        "light",
    ]
    assert [resolved_method(s, given) for s in ("refinement", "synthesis")] == ["rfr", "gridnet"]
    explicit = load_config("paper", ["refinement.method=light"])
    assert resolved_section("refinement", explicit) == resolved_section("refinement", plain)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["refinement.method=none"], ["none", "composite"]),
        (["refinement.method=light"], ["light", "light"]),
        (["synthesis.method=light"], ["light", "light"]),
        (["synthesis.method=blend"], ["inverse_search", "blend"]),
        (["refinement.method=light", "synthesis.method=composite"], ["light", "composite"]),
        (["synthesis.dtype=linear"], ["inverse_search", "composite"]),
        (["synthesis.dtype=linear", "refinement.method=light"], ["light", "composite"]),
        (["refinement.weights=a.ckpt"], ["rfr", "composite"]),
        (["synthesis.weights=a.ckpt"], ["inverse_search", "gridnet"]),
        ([f"refinement.weights={SHIPPED}"], ["light", "light"]),
        ([f"refinement.weights={SHIPPED}", "synthesis.method=composite"], ["light", "composite"]),
    ],
)
def test_the_light_networks_work_together_or_not_at_all(settings: list[str], expected: list[str]) -> None:
    config = load_config("paper", settings)
    assert [resolved_method(stage, config) for stage in ("refinement", "synthesis")] == expected
    assert Config.model_validate(config.model_dump()) == config


def test_canonical_digest_ignores_order_of_keys_only() -> None:
    assert canonical_digest({"a": 1, "b": [1, 2]}) == canonical_digest({"b": [1, 2], "a": 1})
    assert canonical_digest([1, 2]) != canonical_digest([2, 1])
