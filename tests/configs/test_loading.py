from __future__ import annotations

from pathlib import Path

import pytest

from configs.errors import ConfigError
from configs.loading import load_config, preset_names, text_setting
from configs.sections import PAPER_LAYERS, RELEASED_LAYERS


def test_presets_all_load() -> None:
    assert preset_names() == ["atd12k_test", "atd12k_train", "demo", "paper", "released", "train_light"]
    for name in preset_names():
        load_config(name)


def test_paper_and_released_differ_as_the_algorithm_says() -> None:
    paper, released = load_config("paper"), load_config("released")
    assert (paper.features.layers, released.features.layers) == (PAPER_LAYERS, RELEASED_LAYERS)
    assert (paper.matching.distance_limit, released.matching.distance_limit) == (0.15, 0.14)
    assert (paper.refinement.confidence_mask, released.refinement.confidence_mask) == (True, False)
    assert (paper.refinement.initial_flow_additions, released.refinement.initial_flow_additions) == (1, 2)
    assert (paper.synthesis.splatting, released.synthesis.splatting) == ("softmax", "average")


def test_test_split_scores_unquantised_frames_of_the_released_program() -> None:
    config = load_config("atd12k_test")
    assert config.synthesis.dtype == "float16"
    assert config.features.layers == RELEASED_LAYERS
    assert config.data.split == "test"
    assert load_config("atd12k_train").data.split == "train"


def test_settings_go_on_top_in_order() -> None:
    config = load_config(
        "demo",
        [
            "data.root=/frames with spaces",
            "executor.workers=3",
            "executor.kind=inline",
            "executor.kind=tcp://node-7:8786",
            "synthesis.times=[0.25, 0.5]",
            "segmentation.anime.low=1.5",
            "features.weights=vgg19.pth",
        ],
    )
    assert config.data.root == Path("/frames with spaces")
    assert config.executor.workers == 3
    assert config.executor.kind == "tcp://node-7:8786"
    assert config.synthesis.times == (0.25, 0.5)
    assert config.segmentation.anime.low == 1.5
    assert config.segmentation.anime.high == 20
    assert config.features.weights == Path("vgg19.pth")


def test_one_value_of_a_preset_leaves_its_others() -> None:
    disney = load_config("paper", ["segmentation.disney.low=2"]).segmentation.disney
    assert (disney.diameter, disney.sigma_color, disney.sigma_space) == (30, 40, 30)
    assert (disney.low, disney.high) == (2, 20)


def test_one_time_and_no_weights_can_be_given_plainly() -> None:
    config = load_config("paper", ["synthesis.times=0.25", "features.weights=", 'refinement.weights=""'])
    assert config.synthesis.times == (0.25,)
    assert config.features.weights is None
    assert config.refinement.weights is None


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "coarse_flow.metod=zero",
            ["coarse_flow.metod", "'zero'", "did you mean 'method'", "rank_sum_limit"],
        ),
        ("coarse_flow.method=one", ["coarse_flow.method", "'one'", "'sgm', 'zero' or 'imported'"]),
        ("coarse_flow.method=imported", ["coarse_flow: method = 'imported' needs imported_from", "'sgm'"]),
        ("store.cache=s3://bucket/cache", ["store.cache", "'s3://bucket/cache' is a URL", "atomic rename"]),
        ("store.results=gs://bucket", ["store.results", "'gs://bucket' is a URL"]),
        ("data.root=https://host/frames", ["data.root", "'https://host/frames' is a URL", "copy"]),
        ("executor.memory_gb=0.5", ["executor.memory_gb", "0.5 is too little", "at least 1"]),
        ("executor.network_resource='GPU=1'", ["executor.network_resource", "'GPU=1'", "without '=1'"]),
        ("executor.other_resource=CPU", ["other_resource = 'CPU'", "kind is 'local'", "a Dask address"]),
        ("executor.wait_minutes=0", ["executor.wait_minutes"]),
        ("executor.luigid=host:8082", ["executor.luigid", "'host:8082'", "'http://host:8082'"]),
        ("refinement.method=raft", ["refinement.method", "'raft'", "'rfr'", "'none'"]),
        ("synthesis.method=unet", ["synthesis.method", "'unet'", "'gridnet'", "'blend'"]),
        ("synthesis.times=[0.5, 0.25]", ["synthesis.times", "[0.5, 0.25]", "ascending"]),
        ("synthesis.times=[]", ["synthesis.times", "between 0 and 1"]),
        ("synthesis.times=1.0", ["synthesis.times", "between 0 and 1"]),
        ("synthesis.times=nan", ["synthesis.times"]),
        ("executor.kind=thread", ["executor.kind", "'thread'", "'inline', 'local'", "tcp://host:8786"]),
        ("executor.kind=tcp://nowhere", ["executor.kind", "tcp://nowhere"]),
        ("executor.workers=-1", ["executor.workers", "-1", "greater than or equal to 0"]),
        ("executor.workers=two", ["executor.workers", "'two'", "integer"]),
        ("features.layers=['relu1_3']", ["features.layers", "'relu1_3'", "relu5_4"]),
        ("features.layers=['relu2_1']", ["features.layers", "in order"]),
        ("features.layers=[]", ["features.layers"]),
        ("segmentation.anime.low=30", ["segmentation.anime", "high (20.0)", "low (30.0)"]),
        ("segmentation.anime.lo=3", ["segmentation.anime.lo", "did you mean 'low'", "diameter"]),
        ("bogus.key=1", ["bogus", "unknown key", "coarse_flow"]),
        ("refinement.method=rfr", ["refinement.method = 'rfr'", "refinement.weights", "'inverse_search'"]),
        (
            "synthesis.precision=float16",
            ["synthesis.precision = 'float16'", "executor.device = 'cuda'", "'bfloat16'"],
        ),
        ("synthesis.method=gridnet", ["synthesis.method = 'gridnet'", "synthesis.weights", "'composite'"]),
        ("refinement.initial_flow_additions=3", ["refinement.initial_flow_additions", "3", "1 or 2"]),
        ("nonsense", ["'nonsense'", "section.key=value"]),
        ("store=3", ["'store=3'", "section.key=value"]),
        ("store.cache.deep=3", ["'store.cache.deep=3'", "'cache'"]),
    ],
)
def test_refusals_name_key_value_and_what_is_allowed(setting: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_config("demo", [setting])
    for words in said:
        assert words in str(refusal.value)


def test_every_complaint_is_listed_at_once() -> None:
    with pytest.raises(ConfigError) as refusal:
        load_config("demo", ["matching.area_penalty=-1", "store.pairs_per_shard=0"])
    assert "matching.area_penalty" in str(refusal.value)
    assert "store.pairs_per_shard" in str(refusal.value)


def test_sections_are_frozen() -> None:
    config = load_config("paper")
    with pytest.raises(ValueError, match="frozen"):
        config.coarse_flow.method = "zero"  # type: ignore[misc]


def test_own_file_extends_a_preset_or_a_neighbour(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('extends = "released"\n[matching]\narea_penalty = 10\n')
    (tmp_path / "mine.toml").write_text('extends = "base.toml"\n[matching]\narea_ratio_limit = 4\n')
    config = load_config(tmp_path / "mine.toml")
    assert config.matching.area_penalty == 10
    assert config.matching.area_ratio_limit == 4
    assert config.matching.distance_limit == 0.14


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[matching\n", "not valid TOML"),
        ("extends = 3\n", "extends = 3"),
        ('extends = "mine.toml"\n', "extends itself"),
        ('extends = "absent"\n', "'absent' not found"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refusal:
        load_config(path)
    assert said in str(refusal.value)


def test_binary_and_absent_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "picture.toml").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config(tmp_path / "picture.toml")
    with pytest.raises(ConfigError, match=r"no\.toml.* not found.*released"):
        load_config(tmp_path / "no.toml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "/a path/to it's",
        "C:\\new",
        '"quoted"',
        "'quoted'",
        "2024",
        "true",
        "[1, 2]",
        " padded ",
        "a\nb = 3",
        "猫",
    ],
)
def test_any_text_can_be_a_setting(text: str) -> None:
    config = load_config("paper", [text_setting("coarse_flow.imported_as", text)])
    assert config.coarse_flow.imported_as == text


def test_texts_that_read_as_themselves_are_not_quoted() -> None:
    assert text_setting("data.root", "/a path") == "data.root=/a path"
    assert text_setting("data.root", "12") == 'data.root="12"'


@pytest.mark.parametrize(("given", "absent"), [("weights", "backbone"), ("backbone", "weights")])
def test_lpips_needs_both_files(given: str, absent: str) -> None:
    with pytest.raises(ConfigError, match=f"evaluation: lpips_{given} is given and lpips_{absent} is not"):
        load_config("paper", [f"evaluation.lpips_{given}=a.pth"])
    both = load_config("paper", [f"evaluation.lpips_{name}=a.pth" for name in (given, absent)])
    assert both.evaluation.lpips_weights == both.evaluation.lpips_backbone
