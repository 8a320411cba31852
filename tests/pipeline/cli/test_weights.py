from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.loading import load_config
from animeinterp.models.weights.conversion import convert
from animeinterp.models.weights.files import file_digest
from animeinterp.models.weights.records import RECORDS
from animeinterp.pipeline.compute.networks import weights_digest
from tests.file_server import CONTENT, DIGEST, Server
from tests.pipeline.forking import CommandProcess
from tests.pipeline.random_checkpoints import config_with, make_checkpoint
from tests.pipeline.small_runs import Command, Opener, Runner, set_options

RELEASED = ["refinement.confidence_mask=false", "refinement.initial_flow_additions=2"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("weights") / "random.ckpt", 0)


@pytest.fixture(scope="module")
def released(checkpoint: Path) -> Path:
    """The same, saying that it is of the released variant."""
    path = checkpoint.with_name("released.safetensors")
    convert(checkpoint, path, "released")
    return path


def test_list_says_what_is_known_and_what_is_here(command: Command, tmp_path: Path) -> None:
    (tmp_path / "vgg19-dcbb9e9d.pth").touch()
    code, text = command("weights", "list", "--folder", str(tmp_path))
    assert code == 0
    for record in RECORDS:
        assert record.file in text
        assert record.url in text.replace("\n", "").replace(" ", "")
    assert text.count(f"present in {tmp_path}") == 1
    assert text.count(f"not in {tmp_path}") == len(RECORDS) - 1


def test_fetch_gets_a_file_and_does_it_once(command: Command, server: Server, tmp_path: Path) -> None:
    fetch = ["weights", "fetch", "animeinterp", "--folder", str(tmp_path), "--url", server.url]
    code, text = command(*fetch)
    path = tmp_path / "anime_interp_full.ckpt"
    assert code == 0
    assert path.read_bytes() == CONTENT
    assert f"fetched, SHA-256 {DIGEST}" in text
    assert "its digest was not known beforehand" in text
    assert "with anime_interp_full.ckpt: refinement by rfr, synthesis by gridnet" in text
    assert f"interpolate --weights {tmp_path} CLIP -o OUTPUT" in text
    code, text = command(*fetch, "--sha256", DIGEST)
    assert (code, len(server.asked)) == (0, 1)
    assert "already present" in text


def test_fetch_refuses_another_file_than_the_record_knows(
    command: Command, server: Server, tmp_path: Path
) -> None:
    fetch = ["weights", "fetch", "vgg19", "--folder", str(tmp_path), "--url", server.url, "--quiet"]
    code, text = command(*fetch)
    assert code == 2
    assert f"has SHA-256 {DIGEST}, expected dcbb9e9d...; it was thrown away" in text
    (tmp_path / "vgg19-dcbb9e9d.pth").write_bytes(b"mine")
    code, text = command(*fetch)
    assert code == 2
    assert "exists, with SHA-256" in text
    assert (tmp_path / "vgg19-dcbb9e9d.pth").read_bytes() == b"mine"
    code, text = command("weights", "fetch", "vgg11")
    assert code == 2
    assert "'vgg11' is not a known weights file, expected one of vgg19, animeinterp" in text


def test_what_is_fetched_is_what_every_command_uses(
    command: Command,
    server: Server,
    checkpoint: Path,
    settings: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    options = ["-c", "released", *set_options([*settings, "refinement.iterations=1"])]
    code, text = command("run", *options, "--limit", "1", "--dry-run")
    shipped = "with light.safetensors: refinement by light (float32), synthesis by light (float32); without"
    assert text.startswith(shipped)
    server.content = checkpoint.read_bytes()
    code, text = command("weights", "fetch", "animeinterp", "--url", server.url, "-c", "released")
    assert code == 0
    file = tmp_path / "data" / "animeinterp" / "weights" / "anime_interp_full.ckpt"
    assert f"{file}: fetched" in text
    used = "with anime_interp_full.ckpt: refinement by rfr (float32), synthesis by gridnet (float32); without"
    assert used in text
    assert f"present in {file.parent}" in command("weights", "list")[1]
    assert command("run", *options, "--limit", "1")[1].startswith(used)
    named = set_options([f"{stage}.weights={file}" for stage in ("refinement", "synthesis")])
    for looking in (["status"], ["run", "--dry-run", "--limit", "1"], ["evaluate"]):
        assert command(*looking, *options)[1].startswith(used)
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
        assert command(*looking, *options)[1].startswith(shipped)
        for other in (["--weights", str(file.parent)], named):
            assert command(*looking, *options, *other)[1].startswith(used)
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    pair = load_config("released", settings).data.root
    assert pair is not None
    name = sorted((pair / "test_2k_540p").iterdir())[0].name
    assert command("inspect", name, *options)[0] == 0
    (page,) = (tmp_path / "inspect").glob("*.html")
    assert used in page.read_text(encoding="utf-8")


def test_several_files_are_fetched_one_after_the_other(
    command: Command, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ("anime_interp_full.ckpt", "alexnet-owt-7be5be79.pth")
    records = [replace(record, url=server.url, sha256="") for record in RECORDS if record.file in files]
    monkeypatch.setattr("animeinterp.pipeline.cli.weights.RECORDS", records)
    code, text = command("weights", "fetch", "animeinterp", "alexnet", "--weights", str(tmp_path))
    assert code == 0
    assert {path.name for path in tmp_path.iterdir()} == set(files)
    code, text = command("weights", "fetch", "animeinterp", "alexnet", "--sha256", DIGEST)
    assert code == 2
    assert "--url and --sha256 are for one file" in text


def test_a_killed_fetch_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.pause_after = 1_000_000
    fetch = ["weights", "fetch", "animeinterp", "--sha256", DIGEST]
    fetch += ["--folder", str(tmp_path), "--url", server.url, "--quiet"]
    first = CommandProcess(fetch)
    assert server.paused.wait(60)
    part = tmp_path / "anime_interp_full.ckpt.part"
    while not part.exists() or part.stat().st_size < 1_000_000:
        time.sleep(0.01)
    first.kill()
    first.wait()
    server.pause_after = 0
    server.go_on.set()
    assert not (tmp_path / "anime_interp_full.ckpt").exists()
    assert CommandProcess(fetch).wait() == 0
    assert (tmp_path / "anime_interp_full.ckpt").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000000-"]


def test_convert_and_verify(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "weights.safetensors"
    code, text = command("weights", "convert", str(checkpoint), str(target))
    assert code == 0
    assert "written, safetensors file with rfr and synthesis" in text
    assert "it records no variant" in text
    code, text = command("weights", "convert", str(checkpoint), str(target), "--variant", "paper")
    assert code == 2
    assert "exists already" in text
    code, text = command(
        "weights",
        "convert",
        str(checkpoint),
        str(target),
        "--variant",
        "paper",
        "--part",
        "rfr",
        "--overwrite",
    )
    assert code == 0
    assert "safetensors file with rfr, variant paper" in text
    code, text = command("weights", "verify", str(target), str(checkpoint))
    assert code == 0
    assert f"converted from a file of SHA-256 {file_digest(checkpoint)}" in text
    assert f"{checkpoint}: PyTorch file with rfr and synthesis" in text


def test_verify_lists_every_problem_and_goes_on(command: Command, released: Path, tmp_path: Path) -> None:
    torch.save({"synnet.extra": torch.zeros(1)}, tmp_path / "faulty.pth")
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    absent, faulty, other = (str(tmp_path / name) for name in ("absent.pth", "faulty.pth", "other.pth"))
    code, text = command("weights", "verify", absent, faulty, other, str(released))
    assert code == 1
    assert f"{absent}: not found" in text
    assert text.count("missing: ") == 150
    assert "surplus: synnet.extra" in text
    assert "none of its names belong to a known network" in text
    assert "variant released" in text


def test_verify_against_a_config(command: Command, released: Path) -> None:
    assert command("weights", "verify", str(released), "--config", "released")[0] == 0
    code, text = command("weights", "verify", str(released), "--config", "paper")
    assert code == 1
    assert "variant 'released', trained with refinement.confidence_mask = false" in text


def test_weights_of_the_other_variant_are_refused(released: Path) -> None:
    fitting = config_with(released, *RELEASED, "synthesis.splatting=average")
    for stage in ("refinement", "synthesis"):
        assert weights_digest(stage, fitting) == file_digest(released)
    with pytest.raises(WeightsError, match=r"confidence_mask = false, and the config has .* = true"):
        weights_digest("refinement", config_with(released))
    with pytest.raises(WeightsError, match="initial_flow_additions = 2, and the config has .* = 1"):
        weights_digest("refinement", config_with(released, RELEASED[0]))
    with pytest.raises(WeightsError, match="splatting = 'average', and the config has .* = 'softmax'"):
        weights_digest("synthesis", config_with(released))


def test_a_run_with_the_other_variant_stops_at_once(run: Runner, released: Path) -> None:
    with pytest.raises(WeightsError, match="variant 'released'"):
        run(f"refinement.weights='{released}'", limit=1)


def test_safetensors_run_from_end_to_end(run: Runner, released: Path) -> None:
    weights = [f"{stage}.weights='{released}'" for stage in ("refinement", "synthesis")]
    report = run(*weights, *RELEASED, "synthesis.splatting=average", "refinement.iterations=1", limit=1)
    assert report.succeeded
    assert report.computed["refinement"] == report.computed["synthesis"] == 1


def test_weights_that_a_run_does_not_need_may_be_absent(open_session: Opener, tmp_path: Path) -> None:
    absent = f"features.weights='{tmp_path / 'absent.pth'}'"
    with pytest.raises(WeightsError, match="absent.pth: not found"):
        open_session(absent)
    assert open_session(absent, "coarse_flow.method=zero").fingerprints["refinement"]
    assert open_session(absent, last="segmentation").fingerprints["segmentation"]
