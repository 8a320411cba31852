from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.loading import load_config
from animeinterp.data.images import read_image
from animeinterp.models.arrays import frame_tensor
from animeinterp.models.lpips import backbone_shapes, head_shapes
from animeinterp.models.rfr import RFR
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.models.vgg19 import VGG19, convolution_shapes
from animeinterp.models.weights.files import file_digest
from animeinterp.pipeline.compute.networks import load_network, weights_digest, weights_paths
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.results.scores import score_table
from animeinterp.pipeline.store.shard_manifest import read_manifest
from animeinterp.pipeline.store.shards import read_item
from tests.pipeline.random_checkpoints import config_with, make_checkpoint
from tests.pipeline.small_runs import PAIRS, SIZE, SMALL_NETWORK, Opener, Runner


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random numbers."""
    return make_checkpoint(tmp_path_factory.mktemp("weights") / "random.ckpt", 0)


PLAIN = load_config("paper", [SMALL_NETWORK, "refinement.method=inverse_search"])
RANDOM = [SMALL_NETWORK, "features.method=vgg19", "refinement.method=inverse_search"]


def test_stages_without_a_network_have_none() -> None:
    for stage in STAGES:
        assert weights_paths(stage, PLAIN) == {}
        assert weights_digest(stage, PLAIN) is None
        assert load_network(stage, PLAIN) is None
        random = load_network(stage, load_config("paper", RANDOM))
        assert (random is None) == (stage != "features")


def test_weights_that_no_method_uses_are_left_alone(tmp_path: Path) -> None:
    config = config_with(tmp_path / "absent.ckpt", "refinement.method=none", "synthesis.method=blend")
    for stage in ("refinement", "synthesis"):
        assert weights_digest(stage, config) is None
        assert load_network(stage, config) is None


def test_random_vgg19_follows_the_seed_and_stays_in_the_process() -> None:
    network = load_network("features", load_config("paper", RANDOM))
    assert isinstance(network, VGG19)
    assert not network.training
    released = load_config("released", [*RANDOM, "features.precision=auto"])
    assert load_network("features", released) is network
    other = load_network("features", load_config("paper", [*RANDOM, "features.seed=1"]))
    assert not torch.equal(next(network.parameters()), next(other.parameters()))


def test_precision_of_the_features_network_is_in_the_fingerprint(open_session: Opener) -> None:
    rough = load_network("features", load_config("paper", [*RANDOM, "features.precision=bfloat16"]))
    assert {parameter.dtype for parameter in rough.parameters()} == {torch.bfloat16}
    kept = load_network("features", load_config("paper", [*RANDOM, "features.precision=float32"]))
    assert {parameter.dtype for parameter in kept.parameters()} == {torch.float32}
    before, after = (
        open_session("features.method=vgg19", f"features.precision={precision}").fingerprints
        for precision in ("float32", "bfloat16")
    )
    assert next(stage for stage in STAGES if before[stage] != after[stage]) == "features"


def test_features_in_bfloat16_run_from_end_to_end(run: Runner) -> None:
    report = run("features.method=vgg19", "features.precision=bfloat16", limit=1)
    assert report.succeeded
    assert report.computed["features"] == 2


def test_vgg19_weights_are_taken_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    torch.save({name: torch.tensor(0.25).expand(shape) for name, shape in convolution_shapes().items()}, path)
    config = load_config("paper", [SMALL_NETWORK, f"features.weights='{path}'"])
    assert weights_paths("features", config) == {"weights": path}
    assert all((value == 0.25).all() for value in load_network("features", config).parameters())


def test_checkpoint_serves_both_stages_and_is_kept(checkpoint: Path) -> None:
    config = config_with(checkpoint, "refinement.iterations=3")
    rfr, synthesis = load_network("refinement", config), load_network("synthesis", config)
    assert isinstance(rfr, RFR)
    assert isinstance(synthesis, SynthesisNetwork)
    assert rfr.iterations == 3
    assert not rfr.training
    assert load_network("refinement", config) is rfr
    assert load_network("synthesis", config_with(checkpoint)) is synthesis
    assert load_network("refinement", config_with(checkpoint)).iterations == 12


@pytest.mark.parametrize("stage", ["refinement", "synthesis"])
def test_precision_is_that_of_the_convolutions_and_in_the_fingerprint(
    stage: str, checkpoint: Path, open_session: Opener
) -> None:
    rough = load_network(stage, config_with(checkpoint, f"{stage}.precision=bfloat16"))
    exact = load_network(stage, config_with(checkpoint, f"{stage}.precision=float32"))
    assert {parameter.dtype for parameter in exact.parameters()} == {torch.float32}
    own = rough.update_block if stage == "refinement" else rough
    assert {parameter.dtype for parameter in own.parameters()} == {torch.bfloat16}
    if stage == "refinement":
        assert {parameter.dtype for parameter in rough.attention2.parameters()} == {torch.float32}
    weights = f"{stage}.weights={checkpoint}"
    before, after = (
        open_session(weights, f"{stage}.precision={precision}").fingerprints
        for precision in ("float32", "bfloat16")
    )
    assert next(name for name in STAGES if before[name] != after[name]) == stage


def test_networks_in_bfloat16_run_from_end_to_end(checkpoint: Path, run: Runner) -> None:
    weights = [f"{stage}.weights='{checkpoint}'" for stage in ("refinement", "synthesis")]
    precisions = [f"{stage}.precision=bfloat16" for stage in ("refinement", "synthesis")]
    report = run(*weights, *precisions, "refinement.iterations=2", limit=1)
    assert report.succeeded
    assert report.computed["refinement"] == report.computed["synthesis"] == 1


def test_a_file_that_was_replaced_is_loaded_again(tmp_path: Path) -> None:
    config = config_with(make_checkpoint(tmp_path / "a.ckpt", 0))
    before, digest = load_network("synthesis", config), weights_digest("synthesis", config)
    make_checkpoint(tmp_path / "a.ckpt", 1)
    after = load_network("synthesis", config)
    assert not torch.equal(next(before.parameters()), next(after.parameters()))
    assert weights_digest("synthesis", config) != digest


def test_content_of_the_file_is_in_the_fingerprint_and_its_place_is_not(
    checkpoint: Path, tmp_path: Path, open_session: Opener
) -> None:
    def fingerprints(path: Path) -> dict[str, str]:
        return open_session(f"refinement.weights='{path}'").fingerprints

    plain, given = open_session().fingerprints, fingerprints(checkpoint)
    assert [s for s in STAGES if given[s] != plain[s]] == ["refinement", "synthesis", "evaluation"]
    copy = tmp_path / "copy.ckpt"
    copy.write_bytes(checkpoint.read_bytes())
    assert fingerprints(copy) == given
    other = fingerprints(make_checkpoint(copy, 1))
    assert [s for s in STAGES if other[s] != given[s]] == ["refinement", "synthesis", "evaluation"]


@pytest.mark.parametrize("stage", ["features", "refinement", "synthesis"])
def test_a_file_that_does_not_fit_is_refused_by_name(stage: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    config = load_config("paper", [SMALL_NETWORK, f"{stage}.weights='{path}'"])
    with pytest.raises(WeightsError, match=r"weights\.pth: not found"):
        weights_digest(stage, config)
    with pytest.raises(WeightsError, match=r"weights\.pth: not found"):
        load_network(stage, config)
    torch.save({"somebody.elses": torch.zeros(2)}, path)
    assert weights_digest(stage, config) is not None
    with pytest.raises(WeightsError, match=r"weights\.pth: its 1 entries do not fit"):
        load_network(stage, config)


@pytest.mark.parametrize("source", ["checkpoint", "released_checkpoint"])
def test_networks_work_from_end_to_end(
    finished: None, run: Runner, request: pytest.FixtureRequest, source: str
) -> None:
    path: Path = request.getfixturevalue(source)
    methods = ["refinement.method=rfr", "refinement.iterations=3", "synthesis.method=gridnet"]
    weights = [f"refinement.weights='{path}'", f"synthesis.weights='{path}'"]
    report = run(*methods, *weights, limit=2)
    assert report.succeeded
    assert report.computed == Counter(refinement=2, synthesis=2, evaluation=2)
    session = report.session
    found = {}
    for stage in ("coarse_flow", "refinement", "synthesis"):
        shard = session.shard_path(stage, 0)
        manifest = read_manifest(shard)
        assert manifest is not None
        found |= read_item(shard, manifest, 0)
    assert found["refined_flow01"].shape == (2, *SIZE)
    assert np.isfinite(found["refined_flow01"]).all()
    assert not np.array_equal(found["refined_flow01"], found["coarse_flow01"])
    assert found["frames"].shape == (1, *SIZE, 3)
    assert run(*methods, *weights, limit=2).computed.total() == 0


def write_lpips(folder: Path, seed: int = 0) -> list[str]:
    """Files of LPIPS on AlexNet with random numbers, as settings."""
    generator = torch.Generator().manual_seed(seed)
    settings = []
    for key, shapes in (("weights", head_shapes("alexnet")), ("backbone", backbone_shapes("alexnet"))):
        path = folder / f"{key}.pth"
        torch.save(
            {name: 0.02 * torch.rand(shape, generator=generator) for name, shape in shapes.items()}, path
        )
        settings.append(f"evaluation.lpips_{key}='{path}'")
    return settings


def test_lpips_concerns_evaluation_alone(
    finished: None, run: Runner, tmp_path: Path, open_session: Opener
) -> None:
    assert score_table(open_session())["lpips"].isna().all()
    settings = write_lpips(tmp_path)
    report = run(*settings)
    assert report.computed == Counter(evaluation=PAIRS)
    table = score_table(report.session)
    assert (table["lpips"] > 0).all()
    network = load_network("evaluation", load_config("paper", settings))
    frame = next(report.session.locations("synthesis"))[1]
    truth = report.session.manifest.pairs[0].truth
    assert frame is not None
    assert truth is not None
    pictures = frame_tensor([frame.read()["frames"][0], read_image(truth.path)], "cpu")
    assert table.loc[0, "lpips"] == pytest.approx(float(network(pictures[:1], pictures[1:])), rel=1e-5)
    config = load_config("paper", settings)
    digests = [file_digest(tmp_path / f"{name}.pth") for name in ("weights", "backbone")]
    assert weights_digest("evaluation", config) == "+".join(digests)
    before = open_session(*settings).fingerprints
    write_lpips(tmp_path, seed=1)
    after = open_session(*settings).fingerprints
    assert [stage for stage in STAGES if before[stage] != after[stage]] == ["evaluation"]
    assert run(*settings).computed == Counter(evaluation=PAIRS)


def test_unusable_files_of_lpips_are_met_before_any_work(run: Runner, tmp_path: Path) -> None:
    settings = write_lpips(tmp_path)
    torch.save({"lin0.model.1.weight": torch.zeros(1, 64, 1, 1)}, tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match="weights.pth: .*4 missing"):
        run(*settings)
    (tmp_path / "backbone.pth").unlink()
    with pytest.raises(WeightsError, match="backbone.pth: not found"):
        run(*settings)
    assert not list((tmp_path / "cache").glob("*/*/*.zarr"))
