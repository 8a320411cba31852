"""The command as a process: its streams, its environment, and signals from its first moment on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from animeinterp.data.cartoon import write_dataset
from animeinterp.pipeline.cli.entry_point import TolerantStream
from animeinterp.pipeline.store.run_records import read_runs
from animeinterp.pipeline.store.verification import verify_shard
from tests.data.odd_images import png
from tests.pipeline.run_processes import wait_for_shards
from tests.pipeline.small_runs import set_options
from tests.project import PATIENCE, ROOT

PROGRAM = [sys.executable, "-m", "animeinterp.pipeline.cli"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tiny")
    write_dataset(root, 2, seed=0, size=(32, 48))
    return root


@pytest.fixture
def options(tiny: Path, tmp_path: Path) -> list[str]:
    """Options of the shortest of runs."""
    return options_of(tiny, tmp_path)


def options_of(root: Path, folder: Path) -> list[str]:
    settings = [f"data.root={root}", f"store.cache={folder / 'cache'}", "store.results="]
    return set_options([*settings, "executor.kind=inline", "coarse_flow.method=zero"])


def call(
    *arguments: str, shell: str = "", cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command, with redirections as a shell has them."""
    return subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {shell}', *PROGRAM, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("shell", [">&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_a_run_does_without_streams(options: list[str], tmp_path: Path, shell: str) -> None:
    done = call("run", "demo", *options, "--to", "coarse_flow", shell=shell)
    assert (done.returncode, done.stdout, done.stderr) == (2 if "full" in shell else 0, b"", b"")
    shards = list((tmp_path / "cache").glob("*/*/*.zarr"))
    assert shards
    assert all(verify_shard(path).sound for path in shards)  # nothing was printed into a file
    ((_, info),) = read_runs(tmp_path / "cache")
    assert info.state == "finished"


@pytest.mark.slow
def test_output_that_nobody_can_keep_is_told_and_nothing_else_is_lost(
    options: list[str], tmp_path: Path
) -> None:
    done = call("run", "demo", *options, "--to", "coarse_flow", shell=">/dev/full")
    assert done.returncode == 2
    said = b"error: standard output cannot be written (No space left on device); what was asked for is done\n"
    assert done.stderr == said
    assert read_runs(tmp_path / "cache")[0][1].state == "finished"


def test_a_reader_that_goes_is_no_trouble(options: list[str]) -> None:
    with subprocess.Popen([*PROGRAM, "status", "demo", *options], cwd=ROOT, stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 0


def test_a_pipe_that_is_full_for_a_moment_loses_nothing() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    program = (
        "import sys; from animeinterp.pipeline.cli.entry_point import TolerantStream\n"
        "stream = TolerantStream(1, 'w', closefd=False)\n"
        "data = memoryview(b'x' * 1_000_000)\n"
        "while data: data = data[stream.write(data):]\n"
        "sys.exit(stream.trouble is not None)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=writing)
    os.close(writing)
    time.sleep(0.2)
    with os.fdopen(reading, "rb") as pipe:
        assert len(pipe.read()) == 1_000_000
    assert process.wait(PATIENCE) == 0


def test_what_cannot_be_written_is_noted_once(tmp_path: Path) -> None:
    with TolerantStream("/dev/full", "w") as stream:
        assert stream.write(b"some") == 4
        assert stream.trouble is not None
        assert stream.trouble.strerror == "No space left on device"


@pytest.mark.slow
def test_letters_that_a_terminal_lacks_are_shown_as_codes(tmp_path: Path) -> None:
    done = call("run", "demo", "--set", "data.root=猫", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 2
    assert b"\\u732b' is not a folder" in done.stderr
    assert b"Traceback" not in done.stderr


BROKEN = {
    "no section": ("junk\n", "luigi.cfg"),
    "cut off": ("[core\n", "luigi.cfg"),
    "no text": ("[core]\nx=\\xff", "cannot start"),
    "a wrong value": ("[core]\ndefault-scheduler-port=x\n", "Luigi rejects its settings"),
    "a missing file": ("[core]\nlogging_conf_file=/nowhere\n", "correct luigi.cfg in the working folder"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_settings_of_luigi_are_told(options: list[str], tmp_path: Path, kind: str) -> None:
    content, said = BROKEN[kind]
    (tmp_path / "luigi.cfg").write_bytes(content.encode().replace(b"\\xff", b"\xff"))
    done = call("run", "demo", *options, "--to", "coarse_flow", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["dask", "zarr"])
def test_broken_settings_of_other_libraries_are_told(options: list[str], tmp_path: Path, folder: str) -> None:
    (tmp_path / ".config" / folder).mkdir(parents=True)
    (tmp_path / ".config" / folder / "mine.yaml").write_text("a: [b\n")
    done = call("run", "demo", *options, HOME=str(tmp_path))
    assert done.returncode == 2
    assert (
        f"error: the program cannot start: ValueError: A {folder}".replace("zarr", "config").encode()
        in done.stderr
    )
    assert b"mine.yaml" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ZARR_CODEC_PIPELINE__PATH", "zarrs.ZarrsCodecPipeline"),
        ("ZARR_ARRAY__ORDER", "Q"),
        ("ZARR_BUFFER", "no.such.Buffer"),
    ],
)
def test_settings_that_zarr_cannot_use_are_told_and_harm_nothing(
    finished: None, options: list[str], tmp_path: Path, name: str, value: str
) -> None:
    done = call("run", "demo", *options, **{name: value})
    assert done.returncode == 2
    assert b"error: Zarr rejects its settings" in done.stderr
    assert value.encode() in done.stderr
    assert b"the environment variables ZARR_*" in done.stderr
    assert b"Traceback" not in done.stderr
    assert not list((tmp_path / "cache").rglob("damaged.json"))


@pytest.mark.slow
def test_libraries_have_no_say_on_the_terminal(tmp_path: Path) -> None:
    pair = tmp_path / "frames" / "a"
    pair.mkdir(parents=True)
    odd = ((b"iCCP", b"x\0\0garbage"), (b"cHRM", bytes(32)))
    for k in (1, 2):
        deep = np.random.default_rng(k).integers(0, 65536, (32, 48, 3), np.uint16)
        (pair / f"{k}.png").write_bytes(png(deep, 2, *odd))
    options = [*options_of(tmp_path / "frames", tmp_path), "--quiet"]
    noisy = {"NUMBA_NUM_THREADS": "many", "OMP_NUM_THREADS": "many", "LUIGI_CONFIG_PATH": "/nowhere.cfg"}
    done = call("run", "demo", *options, **noisy)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.slow
def test_paths_that_moved_are_noted_once(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        f"extends = 'demo'\n[data]\nroot = '{tiny}'\n[store]\ncache = 'cache'\n"
    )
    done = call(
        "run",
        str(tmp_path / "mine.toml"),
        *set_options(["store.results=", "executor.kind=inline"]),
        "-q",
        "--to",
        "segmentation",
    )
    notes = done.stderr.decode().splitlines()
    assert len(notes) == 1
    assert notes[0].startswith(
        f"note: {tmp_path / 'mine.toml'}: store.cache = 'cache' goes by the file's folder"
    )
    assert (tmp_path / "cache" / "segmentation").is_dir()


def waiting_for_signals(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process catches SIGTERM by now."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("number", "delay"),
    [(signal.SIGINT, 0.0), (signal.SIGTERM, 0.3), (signal.SIGHUP, 0.0), (signal.SIGINT, 0.6)],
)
def test_a_signal_in_the_first_moments_is_one_line(
    options: list[str], tmp_path: Path, number: signal.Signals, delay: float
) -> None:
    process = subprocess.Popen([*PROGRAM, "run", "demo", *options], cwd=ROOT, stdout=-1, stderr=-1)
    patience = time.monotonic() + PATIENCE
    while not waiting_for_signals(process):
        assert time.monotonic() < patience
        time.sleep(0.005)
    time.sleep(delay)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert err == b"error: interrupted\n"
    assert out == b""


@pytest.fixture
def run_of_workers(tiny: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that has begun on two worker processes."""
    settings = [
        f"data.root={tiny}",
        f"store.cache={tmp_path / 'cache'}",
        "store.results=",
        "executor.workers=2",
    ]
    process = subprocess.Popen(
        [*PROGRAM, "run", "demo", *set_options([*settings, "store.pairs_per_shard=1"])],
        cwd=ROOT,
        text=True,
        stdout=-1,
        stderr=-2,
        start_new_session=True,
    )
    try:
        wait_for_shards(tmp_path / "cache", process, 1)
        yield process
    finally:
        process.kill()


@pytest.mark.slow
def test_a_terminal_that_closes_ends_a_run_in_order(
    run_of_workers: subprocess.Popen[str], tmp_path: Path
) -> None:
    os.killpg(run_of_workers.pid, signal.SIGHUP)  # as a terminal does, to every process in it
    printed, _ = run_of_workers.communicate(timeout=PATIENCE)
    ((folder, info),) = read_runs(tmp_path / "cache")
    if info.state != "finished":  # it may have been too quick
        assert run_of_workers.returncode == 129
        assert info.state == "interrupted"
        assert json.loads((folder / "log.jsonl").read_text().splitlines()[-1])["why"] == "SIGHUP"
        assert "run the same command again to resume" in printed
    assert "Traceback" not in printed
    assert not list((tmp_path / "cache").rglob("wip-*"))


def wait_for_the_end(processes: list[psutil.Process], seconds: float) -> None:
    """Wait until processes run no more, whether or not somebody has taken note of it."""
    patience = time.monotonic() + seconds
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):
        assert time.monotonic() < patience
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Dask's own watch takes a moment")
def test_workers_end_with_the_process_that_started_them_and_say_nothing(
    run_of_workers: subprocess.Popen[str],
) -> None:
    children = psutil.Process(run_of_workers.pid).children(recursive=True)
    workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    assert len(workers) == 2
    run_of_workers.kill()
    wait_for_the_end(workers, seconds=1)
    printed, _ = run_of_workers.communicate(timeout=PATIENCE)  # ends when nobody holds the pipe any more
    wait_for_the_end(children, seconds=5)
    for word in ("Traceback", "resource_tracker", "Warning", "rror"):
        assert word not in printed
