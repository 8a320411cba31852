"""The promise of overnight runs, where workers or the scheduler are killed at any moment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import pytest

from animeinterp.configs.files import json_lines
from animeinterp.data.cartoon import write_dataset
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.store.commits import REPLACED
from animeinterp.pipeline.store.run_records import LOG_NAME, read_runs
from tests.pipeline.fault_checks import Results, check_before_or_after, put_back, results, settings_for
from tests.pipeline.faults import KILLS, MOMENTS, run_to_the_end, running
from tests.pipeline.mortal_cluster import Impatience, MortalCluster, MortalWorkers, frozen
from tests.project import PATIENCE

PAIRS = 16
LOCAL = ("executor.kind=local", "executor.workers=2")
AT_RANDOM = "at random"
SECONDS_TO_BEGIN = 2.0  # or so
SECONDS_A_JOB = 0.03  # or so

Held = dict[Path, set[str]]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a dataset of tiny pairs, each a shard of its own."""
    root = tmp_path_factory.mktemp("many")
    write_dataset(root, PAIRS, seed=0, size=(32, 48))
    return root


@pytest.fixture
def settings(many: Path, tmp_path: Path) -> list[str]:
    return settings_for(many, tmp_path / "cache")


@pytest.fixture(scope="module")
def expected(many: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Digests of a run that nothing happened to."""
    settings = settings_for(many, tmp_path_factory.mktemp("whole") / "cache")
    assert run_to_the_end(settings) == 0
    return results(settings)


@pytest.mark.slow
@pytest.mark.parametrize("kills", KILLS)
def test_workers_killed_at_random_and_at_every_moment_of_a_commit(
    settings: list[str], tmp_path: Path, expected: Results, kills: int
) -> None:
    choice, cache = random.Random(0), tmp_path / "cache"
    moments = [AT_RANDOM] * kills + 2 * list(MOMENTS)
    choice.shuffle(moments)
    runs = 0
    while moments:
        workers = MortalWorkers(tmp_path / f"workers{runs}")
        # What is done is done again, so that commits replace what is there.
        force = frozenset(STAGES) if runs else frozenset[str]()
        with running([*settings, *LOCAL], Selection(force=force), workers) as run:
            killed = kill_again_and_again(run, workers, moments, choice, cache)
            run.join(PATIENCE)
            assert run.exitcode == 0  # no item was to blame
        assert workers.needlessly_repeated(killed) == {}
        assert results(settings) == expected
        runs += 1
    assert run_to_the_end(settings) == 0
    assert shards_of_runs(cache)[-1] == set()
    assert results(settings) == expected
    assert not list(cache.rglob("wip-*"))


def kill_again_and_again(
    run: BaseProcess, workers: MortalWorkers, moments: list[str], choice: random.Random, cache: Path
) -> set[int]:
    """Kill workers of a run at the moments given, which are taken off the list; returns their numbers."""
    killed: set[int] = set()
    held: Held = {}
    replacing = bool(list(cache.glob("*/*/*.zarr")))
    while True:
        moment = next((due for due in moments if replacing or due != "put aside"), None)
        goal = len(workers.jobs()) + choice.randint(1, 12)
        if moment is None or not wait(run, lambda goal=goal: len(workers.jobs()) >= goal and workers.alive()):
            return killed
        if moment == AT_RANDOM:
            time.sleep(choice.uniform(0, SECONDS_A_JOB))
            victims = [process.pid for process in workers.alive()]
            if not victims:
                continue
            victim = choice.choice(victims)
            psutil.Process(victim).kill()
            killed.add(victim)
        else:
            doom = workers.doom(moment)
            before = workers.dead()
            if not wait(run, lambda before=before: workers.dead() > before):
                doom.unlink()
                return killed
            killed |= workers.dead() - before
        moments.remove(moment)
        with frozen([psutil.Process(run.pid), *workers.alive()]):
            held = check_held(cache, held)


def wait(run: BaseProcess, for_what: Callable[[], object]) -> bool:
    """Wait until something is so; False when the run ends without it."""
    patience = time.monotonic() + PATIENCE
    while run.exitcode is None:
        if for_what():
            return True
        assert time.monotonic() < patience
        time.sleep(0.002)
    return False


def check_held(cache: Path, before: Held) -> Held:
    """Make sure that no shard is half there, and that none lost an item; return what each holds."""
    after = check_before_or_after(cache)
    put_aside = {path.parent / path.name.partition(REPLACED)[2] for path in cache.glob(f"*/*/*{REPLACED}*")}
    for path, items in before.items():
        assert path in put_aside or after.get(path, set()) >= items
    return before | after


def shards_of_runs(cache: Path) -> list[set[tuple[str, str]]]:
    """Stage and name of the shards that each run has computed, by its record."""
    return [
        {
            (event["stage"], event["shard"])
            for event in json_lines(folder / LOG_NAME)
            if event["event"] == "shard"
        }
        for folder, _ in read_runs(cache)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kills", KILLS)
def test_schedulers_killed_at_random(many: Path, tmp_path: Path, expected: Results, kills: int) -> None:
    choice, caches, refused = random.Random(0), 0, 0
    while refused < kills:
        cache, workers = tmp_path / f"cache{caches}", MortalWorkers(tmp_path / f"workers{caches}")
        with MortalCluster(workers) as cluster:
            settings = [*settings_for(many, cache), f"executor.kind={cluster.address}"]
            killed: set[int] = set()
            held: Held = {}
            while refused < kills and results(settings) != expected:
                with running(settings, None, Impatience()) as run:
                    kill_after_some_jobs(run, cluster, choice)
                    killed |= cluster.wait_for_workers()
                    run.join(PATIENCE)
                    assert run.exitcode in (0, 2)
                    refused += run.exitcode == 2
                put_back(settings)
                held = check_held(cache, held)
                cluster.start()
            assert run_to_the_end(settings) == 0
        assert results(settings) == expected
        assert workers.needlessly_repeated(killed) == {}
        assert not list(cache.rglob("wip-*"))
        assert {info.state for _, info in read_runs(cache)} <= {"refused", "finished"}
        caches += 1


def kill_after_some_jobs(run: BaseProcess, cluster: MortalCluster, choice: random.Random) -> None:
    """Kill the scheduler of a run after a few jobs, or while the run begins."""
    few = choice.randint(0, 4)
    goal = len(cluster.workers.jobs()) + few
    wait(run, lambda: len(cluster.workers.jobs()) >= goal)
    run.join(choice.uniform(0, SECONDS_A_JOB if few else SECONDS_TO_BEGIN))
    cluster.kill_scheduler()
