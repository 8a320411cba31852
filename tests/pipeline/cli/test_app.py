from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from animeinterp.data.images import read_image, write_image
from animeinterp.pipeline.running import dask_cluster as cluster
from tests.pipeline.files_that_are_no_weights import (
    hidden_code,
    missing_keys,
    old_pickle,
    plain_zip,
    surplus_key,
    text_file,
)
from tests.pipeline.small_runs import SMALL_NETWORK, Command, set_options


def draw(path: Path, seed: int = 0, size: tuple[int, int] = (48, 64)) -> None:
    """A red square that moves with the seed, on a blue ground."""
    frame = np.full((*size, 3), (30, 60, 200), np.uint8)
    frame[8:28, 8 + seed : 28 + seed] = (220, 40, 30)
    frame[8:28, 8 + seed] = frame[8, 8 + seed : 28 + seed] = 0
    write_image(path, frame)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Folder of two good pairs, to which a test adds a bad one."""
    root = tmp_path / "frames"
    for name in ("good_a", "good_b"):
        draw(root / name / "frame1.png")
        draw(root / name / "frame3.png", 6)
    return root


@pytest.fixture
def options(pairs: Path, tmp_path: Path) -> list[str]:
    return set_options(
        [
            f"data.root='{pairs}'",
            f"store.cache='{tmp_path / 'cache'}'",
            f"store.results='{tmp_path / 'results'}'",
            "executor.kind=inline",
            SMALL_NETWORK,
        ]
    )


def test_run_gives_frames_and_says_that_there_is_no_truth(
    command: Command, options: list[str], tmp_path: Path
) -> None:
    code, printed = command("run", "paper", *options)
    assert code == 0
    for name in ("good_a", "good_b"):
        frame = read_image(tmp_path / "results" / name / "frame_t0.5.png")
        assert frame.shape == (48, 64, 3)
    assert "evaluation: 2 skipped, no ground truth" in printed
    networks, rest = printed.splitlines()[0].split("; ")
    assert networks == "with light.safetensors: refinement by light, synthesis by light"
    assert rest == "without weights: features by appearance, coarse_flow by sgm"
    assert command("run", "paper", *options, "--quiet") == (0, "")


def test_moved_square_is_in_the_middle(command: Command, options: list[str], tmp_path: Path) -> None:
    assert command("run", "released", *options, "--quiet")[0] == 0
    frame = read_image(tmp_path / "results" / "good_a" / "frame_t0.5.png").astype(int)
    red = frame[:, :, 0] > 150
    columns = np.flatnonzero(red[12:26].all(axis=0))
    assert abs(columns.mean() - (8 + 3 + 10)) <= 1


def first_words(printed: str) -> set[str]:
    """First word of each line: in a table, what its row is about."""
    return {line.split()[0] for line in printed.splitlines() if line.strip()}


Spoil = Callable[[Path], None]


def one_frame(folder: Path) -> None:
    draw(folder / "frame1.png")


def two_sizes(folder: Path) -> None:
    draw(folder / "frame1.png")
    draw(folder / "frame3.png", size=(48, 66))


def zero_bytes(folder: Path) -> None:
    draw(folder / "frame1.png")
    (folder / "frame3.png").touch()


def truncated(folder: Path) -> None:
    draw(folder / "frame1.png")
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    write_image(folder / "frame3.png", noise)
    (folder / "frame3.png").write_bytes((folder / "frame3.png").read_bytes()[:3000])


def no_image(folder: Path) -> None:
    draw(folder / "frame1.png")
    (folder / "frame3.png").write_text("dear diary")


def float_pixels(folder: Path) -> None:
    draw(folder / "frame1.tiff")
    cv2.imwrite(str(folder / "frame3.tiff"), np.zeros((48, 64, 3), np.float32))


def no_frame(folder: Path) -> None:
    folder.mkdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (one_frame, "1 image (frame1)"),
        (two_sizes, "frames of different sizes"),
        (zero_bytes, "empty file (0 bytes)"),
        (truncated, "damaged image"),
        (no_image, "not an image"),
        (float_pixels, "float32 pixels"),
        (no_frame, "0 images"),
    ],
)
def test_one_bad_pair_fails_alone_and_is_named(
    command: Command, options: list[str], pairs: Path, tmp_path: Path, spoil: Spoil, said: str
) -> None:
    spoil(pairs / "bad")
    code, printed = command("run", "paper", *options)
    assert code == 1
    assert "bad" in {word.partition("/")[0] for word in first_words(printed)}
    assert said in " ".join(printed.split())
    assert "finished with failures" in printed
    done = sorted(path.name for path in (tmp_path / "results").iterdir() if path.is_dir())
    assert done == ["good_a", "good_b"]
    code, printed = command("run", "paper", *options, "--quiet")
    assert code == 1
    assert said in " ".join(printed.split())


def gray(folder: Path, k: int) -> None:
    Image.new("L", (64, 48), 90 + k).save(folder / f"{k}.png")


def rgba(folder: Path, k: int) -> None:
    Image.new("RGBA", (64, 48), (10, 90, 30 + k, 255 - k)).save(folder / f"{k}.png")


def deep(folder: Path, k: int) -> None:
    cv2.imwrite(str(folder / f"{k}.png"), np.full((48, 64, 3), 30000 + k, np.uint16))


def palette(folder: Path, k: int) -> None:
    Image.new("RGB", (64, 48), (10, 90, 30 + k)).quantize(8).save(folder / f"{k}.png")


def one_color(folder: Path, k: int) -> None:
    write_image(folder / f"{k}.png", np.full((48, 64, 3), 77, np.uint8))


def noise(folder: Path, k: int) -> None:
    write_image(folder / f"{k}.png", np.random.default_rng(k).integers(0, 256, (48, 64, 3), np.uint8))


def tiny(folder: Path, k: int) -> None:
    write_image(folder / f"{k}.png", np.random.default_rng(k).integers(0, 256, (8, 8, 3), np.uint8))


@pytest.mark.parametrize("make", [gray, rgba, deep, palette, one_color, noise, tiny])
def test_odd_frames_are_worked_on(
    command: Command, options: list[str], pairs: Path, tmp_path: Path, make: Callable[[Path, int], None]
) -> None:
    (pairs / "odd").mkdir()
    for k in (1, 3):
        make(pairs / "odd", k)
    code, printed = command("run", "paper", *options)
    assert code == 0, printed
    assert (tmp_path / "results" / "odd" / "frame_t0.5.png").is_file()


def test_malformed_annotation_fails_its_evaluation_only(
    command: Command, options: list[str], cartoons: Path, tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(cartoons, root)
    victim, missing = sorted((root / "test_2k_annotations").glob("*/*.json"))[:2]
    victim.write_text('{"level": "hard"}')
    missing.unlink()
    code, printed = command("run", "paper", *options, "--set", f"data.root='{root}'")
    assert code == 1
    assert "malformed annotation" in " ".join(printed.split())
    assert str(victim.stem) in printed
    assert len(list((tmp_path / "results").glob("*/frame_t0.5.png"))) == 4


def test_empty_dataset(command: Command, options: list[str], tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    code, printed = command("run", "paper", *options, "--set", f"data.root='{tmp_path / 'nothing'}'")
    assert code == 2
    assert "no pairs found" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "papyrus"], "'papyrus' not found"),
        (["run", "paper"], "data.root is not set"),
        (["run", "paper", "--set", "refinement.method=rfr"], "needs refinement.weights"),
        (["run", "paper", "--set", "executor.kind=tcp://127.0.0.1:9"], "data.root is not set"),
        (["inspect", "nobody", "-c", "paper"], "data.root"),
        (["status", "paper"], "data.root"),
        (["evaluate", "paper"], "data.root"),
    ],
)
def test_unusable_settings_exit_with_2(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, printed = command(*arguments)
    assert code == 2
    assert said in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("arguments", [["run"], ["run", "paper", "--limit", "0"], ["dance"], ["inspect"]])
def test_usage_errors_exit_with_2(command: Command, arguments: list[str]) -> None:
    assert command(*arguments)[0] == 2


def test_unwritable_cache(command: Command, options: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, printed = command("run", "paper", *options, "--set", f"store.cache='{tmp_path / 'file'}'")
    assert code == 2
    assert "store.cache = " in printed
    assert "cannot be written" in printed


def test_a_cluster_that_does_not_answer(
    command: Command, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", "1s")
    code, printed = command("run", "paper", *options, "--set", "executor.kind=tcp://127.0.0.1:9")
    assert code == 2
    assert "executor.kind = 'tcp://127.0.0.1:9': no Dask scheduler answers there" in printed


def test_trouble_with_a_whole_stage_is_told(command: Command, options: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "matching").write_text("in the way")
    code, printed = command("run", "paper", *options)
    assert code == 1
    assert "not done: matching: " in printed
    assert "finished with failures" in printed


@pytest.mark.parametrize(
    "make", [text_file, missing_keys, surplus_key, hidden_code, old_pickle, plain_zip, None]
)
@pytest.mark.parametrize("stage", ["features", "refinement", "synthesis"])
def test_files_that_are_no_weights_are_refused_before_any_work(
    command: Command, options: list[str], tmp_path: Path, make: Callable[[Path], None] | None, stage: str
) -> None:
    path = tmp_path / "weights.pth"
    if make is not None:
        make(path)
    code, printed = command("run", "paper", *options, "--set", f"{stage}.weights='{path}'")
    assert code == 2
    assert "weights.pth" in printed
    assert "code from a pickle" not in printed
    assert "Traceback" not in printed
    assert not list((tmp_path / "cache").glob("*/*/*.zarr"))


def test_dry_run_says_what_and_why_and_does_nothing(
    command: Command, options: list[str], tmp_path: Path
) -> None:
    code, printed = command("run", "paper", *options, "--dry-run")
    assert code == 0
    assert "segmentation would compute 4 frames: not computed yet" in printed
    assert not list((tmp_path / "cache").glob("*/*/*.zarr"))
    assert command("run", "paper", *options, "--quiet")[0] == 0
    assert "nothing to do" in command("run", "paper", *options, "--dry-run")[1]
    printed = command("run", "paper", *options, "--dry-run", "--set", "coarse_flow.method=zero")[1]
    assert "segmentation would" not in printed
    assert "coarse_flow would compute 2 pairs: coarse_flow.method: sgm -> zero" in printed
    printed = command("run", "paper", *options, "--dry-run", "--force", "features")[1]
    assert "features would compute 4 frames: recomputation requested" in printed
    assert command("run", "paper", *options, "--only", "matching", "--dry-run")[0] == 0


def test_status_and_inspect(command: Command, options: list[str], tmp_path: Path) -> None:
    assert command("run", "paper", *options, "--to", "matching", "--quiet")[0] == 0
    code, printed = command("status", "paper", *options)
    assert code == 0
    assert "coarse_flow would compute 2 pairs" in printed
    looking = ["inspect", "good_a", "good_b", "-c", "paper", "-o", str(tmp_path / "sheets"), *options]
    code, printed = command(*looking)
    assert code == 0
    assert printed.splitlines() == [
        *(str(tmp_path / "sheets" / f"{name}.html") for name in ("index", "good_a", "good_b")),
        f"cache: {tmp_path / 'cache'}",  # on standard error
    ]
    page = (tmp_path / "sheets" / "good_a.html").read_text(encoding="utf-8")
    assert "animeinterp run -c paper --set" in page
    assert not list((tmp_path / "sheets").glob("*.png"))
    code, printed = command(*looking, "--png")
    assert code == 0
    assert printed.splitlines()[1].endswith("good_b.png")
    assert read_image(tmp_path / "sheets" / "good_a.png").shape[2] == 3
    code, printed = command("inspect", "good_c", "-c", "paper", *options)
    assert code == 2
    assert "no pair 'good_c'" in printed
    assert "good_a" in printed


def test_inspect_opens_what_it_wrote(
    command: Command, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)  # a test must not open windows
    assert command("inspect", "good_a", "-c", "paper", *options)[0] == 0
    assert opened == []
    assert command("inspect", "good_a", "-c", "paper", "--open", *options)[0] == 0
    assert opened == [(tmp_path / "inspect" / "good_a.html").as_uri()]


def test_demo_draws_runs_scores_and_shows(command: Command, tmp_path: Path) -> None:
    arguments = [
        "demo",
        "--folder",
        str(tmp_path / "demo"),
        "--pairs",
        "2",
        "--height",
        "48",
        "--width",
        "80",
    ]
    small = set_options([SMALL_NETWORK, "executor.kind=inline"])
    code, printed = command(*arguments, *small)
    assert code == 0, printed
    assert "PSNR" in printed
    assert printed.count("contact sheet: ") == 2
    assert len(list((tmp_path / "demo" / "contact_sheets").glob("*.png"))) == 2
    assert len(list((tmp_path / "demo" / "results").glob("*/frame_t0.5.png"))) == 2
    assert (tmp_path / "demo" / "results" / "scores.csv").read_text().count("\n") == 3
    places = {p: p.stat().st_mtime_ns for p in (tmp_path / "demo").rglob("*.zarr")}
    assert command(*arguments, *small)[0] == 0
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "demo").rglob("*.zarr")} == places
    roots = [f"data.root='{tmp_path}/demo/cartoons'", f"store.cache='{tmp_path}/demo/cache'", *small[1::2]]
    code, printed = command("evaluate", "demo", *set_options(roots))
    assert code == 0
    assert {"easy", "medium", "hard"} & first_words(printed)


def test_what_nobody_foresaw_is_one_line(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the sky is falling")

    monkeypatch.setattr("animeinterp.pipeline.cli.weights.say_within", fail)
    code, printed = command("weights", "list")
    assert code == 1
    assert "error: RuntimeError: the sky is falling (test_app.py, line " in printed
    assert "please report what 'animeinterp --debug ...' prints of it" in printed
    assert "Traceback" not in printed
    with pytest.raises(RuntimeError, match="the sky is falling"):
        command("--debug", "weights", "list")
