from __future__ import annotations

from pathlib import Path

import pytest

from animeinterp.configs.found_weights import (
    ALEXNET_FILE,
    ALEXNET_HEADS_FILE,
    ANIMEINTERP_FILE,
    VGG16_FILE,
    VGG16_HEADS_FILE,
    VGG19_FILE,
    user_folder,
)
from animeinterp.configs.loading import load_config
from animeinterp.configs.sections import Config


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of weights, empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = user_folder()
    folder.mkdir(parents=True)
    return folder


def loaded(*settings: str, preset: str = "released") -> Config:
    return load_config(preset, settings)


def weights(config: Config) -> list[Path | None]:
    return [getattr(config, stage).weights for stage in ("features", "refinement", "synthesis")]


def test_the_user_has_a_folder(folder: Path, tmp_path: Path) -> None:
    assert folder == tmp_path / "animeinterp" / "weights"


def test_without_files_nothing_changes(folder: Path) -> None:
    assert weights(loaded()) == [None, None, None]


def test_files_that_are_there_need_no_setting(folder: Path) -> None:
    for name in (VGG19_FILE, ANIMEINTERP_FILE):
        (folder / name).touch()
    config = loaded()
    assert weights(config) == [folder / VGG19_FILE, folder / ANIMEINTERP_FILE, folder / ANIMEINTERP_FILE]
    assert [getattr(config, stage).chosen_method for stage in ("features", "refinement", "synthesis")] == [
        "vgg19",
        "rfr",
        "gridnet",
    ]
    assert loaded("refinement.method=rfr").refinement.weights == folder / ANIMEINTERP_FILE


@pytest.mark.parametrize(
    "setting",
    [
        "features.weights=",
        "features.method=appearance",
        "features.weights=other.pth",
        "weights.folder=/nonexistent",
    ],
)
def test_what_is_given_is_heeded(folder: Path, setting: str) -> None:
    (folder / VGG19_FILE).touch()
    assert loaded().features.weights == folder / VGG19_FILE
    assert loaded(setting).features.weights != folder / VGG19_FILE


@pytest.mark.parametrize(
    "setting",
    ["refinement.confidence_mask=true", "refinement.initial_flow_additions=1", "synthesis.splatting=softmax"],
)
def test_the_checkpoint_is_for_the_settings_it_was_trained_with(folder: Path, setting: str) -> None:
    (folder / ANIMEINTERP_FILE).touch()
    assert weights(loaded(setting)) == [None, None, None]
    assert weights(loaded(preset="paper")) == [None, None, None]


@pytest.mark.parametrize("method", ["light", "inverse_search", "none"])
def test_methods_without_the_checkpoint_get_none(folder: Path, method: str) -> None:
    (folder / ANIMEINTERP_FILE).touch()
    assert loaded(f"refinement.method={method}").refinement.weights is None


def test_lpips_needs_both_files(folder: Path) -> None:
    def found(*settings: str) -> list[Path | None]:
        section = loaded(*settings).evaluation
        return [section.lpips_backbone, section.lpips_weights]

    (folder / ALEXNET_FILE).touch()
    (folder / VGG16_HEADS_FILE).touch()
    assert found() == [None, None]
    (folder / VGG16_FILE).touch()
    assert found() == [folder / VGG16_FILE, folder / VGG16_HEADS_FILE]
    (folder / ALEXNET_HEADS_FILE).touch()
    assert found() == [folder / ALEXNET_FILE, folder / ALEXNET_HEADS_FILE]
    mine = ["evaluation.lpips_backbone=a.pth", "evaluation.lpips_weights=b.pth"]
    assert found(*mine) == [Path("a.pth"), Path("b.pth")]
    assert found("evaluation.lpips_backbone=", "evaluation.lpips_weights=") == [None, None]


def test_the_folder_of_a_file_goes_by_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / VGG19_FILE).touch()
    (tmp_path / "animeinterp.toml").write_text('extends = "released"\n[weights]\nfolder = "mine"\n')
    config = load_config(tmp_path / "animeinterp.toml")
    assert config.features.weights == tmp_path / "mine" / VGG19_FILE


@pytest.mark.parametrize("text", ["weights = 3", "[weights]\nfolder = 3", "features = 3"])
def test_malformed_sections_are_refused_as_ever(folder: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.toml").write_text(text + "\n")
    with pytest.raises(Exception, match="settings refused"):
        load_config(tmp_path / "bad.toml")
