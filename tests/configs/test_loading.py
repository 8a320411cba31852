from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from animeinterp.configs.errors import ConfigError, MovedPathWarning
from animeinterp.configs.loading import load_config, preset_names, text_setting
from animeinterp.configs.sections import PAPER_LAYERS, RELEASED_LAYERS


def test_presets_all_load() -> None:
    assert preset_names() == [
        "atd12k_test",
        "atd12k_train",
        "default",
        "demo",
        "fast",
        "paper",
        "released",
        "train_light",
        "train_paper",
    ]
    for name in preset_names():
        load_config(name)


def test_paper_and_released_differ_as_the_algorithm_says() -> None:
    paper, released = load_config("paper"), load_config("released")
    assert (paper.features.layers, released.features.layers) == (PAPER_LAYERS, RELEASED_LAYERS)
    assert (paper.matching.distance_limit, released.matching.distance_limit) == (0.15, 0.14)
    assert (paper.refinement.confidence_mask, released.refinement.confidence_mask) == (True, False)
    assert (paper.refinement.initial_flow_additions, released.refinement.initial_flow_additions) == (1, 2)
    assert (paper.synthesis.splatting, released.synthesis.splatting) == ("softmax", "average")


def test_the_default_is_the_released_program_but_for_speed_space_and_large_frames() -> None:
    default, released = (load_config(name).model_dump() for name in ("default", "released"))
    different = {
        f"{section}.{key}"
        for section, values in default.items()
        for key, value in values.items()
        if value != released[section][key]
    }
    searches = {"variational_iterations", "gradient_iterations", "finest_scale"}
    faster = {f"coarse_flow.{name}" for name in searches}
    faster |= {"segmentation.height", "refinement.fraction_bits"}
    assert different == faster | {f"{name}.precision" for name in ("features", "refinement", "synthesis")}


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
        ("refinement.method=rfr", ["refinement.method = 'rfr'", "refinement.weights", "'light'"]),
        (
            "synthesis.precision=float16",
            ["synthesis.precision = 'float16'", "executor.device = 'cuda'", "'bfloat16'"],
        ),
        ("synthesis.method=gridnet", ["synthesis.method = 'gridnet'", "synthesis.weights", "'light'"]),
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
    assert text_setting("data.root", "12") == "data.root=12"
    assert text_setting("data.root", "'12'") == "data.root=\"'12'\""


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
@pytest.mark.parametrize("key", ["coarse_flow.imported_as", "clip.codec", "training.licence"])
def test_every_text_can_be_a_setting(key: str, text: str) -> None:
    section, _, name = key.partition(".")
    assert getattr(getattr(load_config("paper", [text_setting(key, text)]), section), name) == text


TEXTS = [
    "2024",
    "2024-05-27",
    "1e5",
    "true",
    "0x10",
    "2024 #1",
    "inf",
    "nan",
    "[a]",
    "{a}",
    "07:32:00",
    "a = 1",
]


@pytest.mark.parametrize("text", [*TEXTS, "'a' # 'b'", '"a" "b"', "'", '"', "it's", "'a", "[Group] show"])
@pytest.mark.parametrize("key", ["data.root", "store.results", "store.cache", "features.weights"])
def test_paths_are_taken_as_they_stand(key: str, text: str) -> None:
    section, _, name = key.partition(".")
    assert getattr(getattr(load_config("paper", [f"{key}={text}"]), section), name) == Path(text)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_taken_as_they_stand(text: str) -> None:
    assert load_config("paper", [f"coarse_flow.imported_as={text}"]).coarse_flow.imported_as == text


@pytest.mark.parametrize("quoted", ["'2024'", '"2024"', '"\\u0032024"', " '2024' "])
def test_quotes_around_a_text_are_none_of_it(quoted: str) -> None:
    config = load_config("paper", [f"data.root={quoted}", f"coarse_flow.imported_as={quoted}"])
    assert (config.data.root, config.coarse_flow.imported_as) == (Path("2024"), "2024")


def test_other_settings_are_toml() -> None:
    config = load_config(
        "paper",
        [
            "clip.sound=false",
            "executor.workers=1_0 # ten",
            "synthesis.times=[0.25, 0.5]",
            "store.shard_megapixels=1e1",
            "clip.fps=24",
            "clip.timing=keep",
            "refinement.initial_flow_additions=2",
        ],
    )
    assert (config.clip.sound, config.executor.workers, config.synthesis.times) == (False, 10, (0.25, 0.5))
    assert config.refinement.initial_flow_additions == 2
    assert (config.store.shard_megapixels, config.clip.fps, config.clip.timing) == (10, "24", "keep")


@pytest.mark.parametrize("line", ["root = 2024", "root = 2024-05-27", "root = true", "root = ['a']"])
def test_a_file_that_gives_no_text_for_a_path_is_told_how(tmp_path: Path, line: str) -> None:
    (tmp_path / "mine.toml").write_text(f"[data]\n{line}\n")
    with pytest.raises(ConfigError, match=r"data\.root = .*: expected text; write it in quotes") as refusal:
        load_config(tmp_path / "mine.toml")
    assert "pathlib" not in str(refusal.value)


def test_a_mark_at_the_beginning_of_a_file_is_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[matching]\narea_penalty = 10\n", encoding="utf-8-sig")
    assert load_config(tmp_path / "mine.toml").matching.area_penalty == 10


MINE = """
extends = "deep/base.toml"
[data]
root = "frames"
[store]
cache = "../cache"
results = "/results"
[coarse_flow]
imported_from = "~/flows"
[refinement]
weights = ""
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A file, and one in another folder that it starts from."""
    (tmp_path / "project" / "deep").mkdir(parents=True)
    (tmp_path / "project" / "mine.toml").write_text(MINE)
    base = "[data]\nroot = 'elsewhere'\n[features]\nweights = 'vgg.pth'\n[synthesis]\nweights = 'w.pth'\n"
    (tmp_path / "project" / "deep" / "base.toml").write_text(base)
    return tmp_path / "project"


def test_relative_paths_of_a_file_go_by_its_folder(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        config = load_config("project/mine.toml", ["synthesis.weights=w.pth"])
    assert (config.data.root, config.store.cache) == (project / "frames", tmp_path / "cache")
    assert (config.store.results, config.coarse_flow.imported_from) == (
        Path("/results"),
        Path.home() / "flows",
    )
    assert (config.features.weights, config.refinement.weights) == (project / "deep" / "vgg.pth", None)
    assert config.synthesis.weights == Path("w.pth")  # of the command line
    notes = [str(note.message) for note in told]
    assert len(notes) == 3  # neither what was put on top, nor what is absolute
    assert (
        f"project/mine.toml: data.root = 'frames' goes by the file's folder: {project / 'frames'}; before "
        f"version 0.2 it went by the working folder: {tmp_path / 'frames'}"
    ) in notes
    assert {note.category for note in told} == {MovedPathWarning}


def test_the_folder_above_that_of_a_link_is_not_that_of_its_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "far" / "project").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "project")
    (tmp_path / "link" / "animeinterp.toml").write_text("[data]\nroot = '../frames'\n")
    monkeypatch.chdir(tmp_path)
    config = load_config("link/animeinterp.toml")
    assert config.data.root == tmp_path / "link" / "../frames"


def test_paths_that_are_the_same_as_ever_are_not_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    load_config("mine.toml", ["features.weights=", "synthesis.weights="])  # warnings are errors here
    monkeypatch.chdir(project / "deep")
    assert load_config("demo").store.cache == Path("demo/cache")  # shipped ones go by the working folder


def test_a_url_in_a_file_is_refused_as_such(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[data]\nroot = 'https://host/frames'\n")
    with pytest.raises(ConfigError, match="'https://host/frames' is a URL"):
        load_config(tmp_path / "mine.toml")


def test_a_tilde_in_the_name_of_a_file_is_ones_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.toml").write_text("[matching]\narea_penalty = 10\n")
    assert load_config("~/mine.toml").matching.area_penalty == 10


@pytest.mark.parametrize(("given", "absent"), [("weights", "backbone"), ("backbone", "weights")])
def test_lpips_needs_both_files(given: str, absent: str) -> None:
    with pytest.raises(ConfigError, match=f"evaluation: lpips_{given} is given and lpips_{absent} is not"):
        load_config("paper", [f"evaluation.lpips_{given}=a.pth"])
    both = load_config("paper", [f"evaluation.lpips_{name}=a.pth" for name in (given, absent)])
    assert both.evaluation.lpips_weights == both.evaluation.lpips_backbone
