from __future__ import annotations

from pathlib import Path

import pytest

from animeinterp.configs.found_weights import ANIMEINTERP_FILE, VGG19_FILE
from animeinterp.configs.loading import load_config
from animeinterp.pipeline.compute.method_notes import methods_line, weights_notes

LIGHT = "with light.safetensors: refinement by light, synthesis by light; "
REST = "without weights: features by appearance, coarse_flow by sgm"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], LIGHT + REST),
        (
            ["refinement.method=inverse_search"],
            f"{REST}, refinement by inverse_search, synthesis by composite",
        ),
        (
            ["features.weights=a/vgg.pth", "refinement.weights=b.ckpt", "synthesis.weights=b.ckpt"],
            "with vgg.pth: features by vgg19; with b.ckpt: refinement by rfr, synthesis by gridnet; "
            "without weights: coarse_flow by sgm",
        ),
        (
            ["features.method=vgg19", "refinement.method=none", "synthesis.method=blend"],
            "without weights: features by vgg19 with random weights, coarse_flow by sgm, refinement by none, "
            "synthesis by blend",
        ),
        (
            [
                "coarse_flow.method=zero",
                "refinement.method=light",
                "refinement.precision=bfloat16",
                "synthesis.method=light",
            ],
            "with light.safetensors: refinement by light (bfloat16), synthesis by light; "
            "without weights: coarse_flow by zero",
        ),
        (
            ["evaluation.lpips_weights=heads.pth", "evaluation.lpips_backbone=alexnet.pth"],
            f"{LIGHT}with heads.pth and alexnet.pth: evaluation by LPIPS, too; {REST}",
        ),
    ],
)
def test_methods_are_grouped_by_their_weights(settings: list[str], expected: str) -> None:
    assert methods_line(load_config("paper", settings)) == expected


def test_only_what_the_last_stage_depends_on_is_said() -> None:
    config = load_config("paper")
    assert methods_line(config, "segmentation") == ""
    assert methods_line(config, "matching") == "without weights: features by appearance"


def test_files_to_fetch_are_those_that_would_be_used() -> None:
    def fetch(*settings: str, preset: str = "released", last: str = "evaluation") -> str:
        return " ".join(weights_notes(load_config(preset, settings), last))

    assert fetch().endswith("weights fetch vgg19 animeinterp")
    assert fetch("coarse_flow.method=zero").endswith("weights fetch animeinterp")
    assert fetch(last="matching").endswith("weights fetch vgg19")
    assert fetch(preset="paper").endswith("weights fetch vgg19")  # nobody publishes the paper's variant
    assert fetch(last="segmentation") == ""
    assert fetch("features.method=appearance", "refinement.method=none", "synthesis.method=blend") == ""


def test_a_file_that_is_there_and_does_not_suit_is_told(tmp_path: Path) -> None:
    for name in (VGG19_FILE, ANIMEINTERP_FILE):
        (tmp_path / name).touch()
    folder = f"weights.folder={tmp_path}"
    (note,) = weights_notes(load_config("paper", [folder]))
    assert (
        f"{tmp_path / ANIMEINTERP_FILE} is not used: it was trained with refinement.confidence_mask = false"
        in note
    )
    assert "here it is true" in note
    assert weights_notes(load_config("released", [folder])) == []
    plain = ["refinement.method=none", "synthesis.method=blend"]
    assert weights_notes(load_config("paper", [folder, *plain])) == []
