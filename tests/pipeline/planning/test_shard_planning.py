from __future__ import annotations

import os
from pathlib import Path

import pytest

from animeinterp.configs.errors import CacheError
from animeinterp.configs.loading import load_config
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.shard_planning import shard_job
from tests.pipeline.small_runs import Opener


def test_a_job_holds_what_is_left_and_what_is_kept(finished: None, open_session: Opener) -> None:
    done = shard_job(open_session(), "matching", 0)
    assert all(item.kept is not None and item.source is not None for item in done.items)
    session = open_session(force=frozenset({"matching"}))
    job = shard_job(session, "matching", 0)
    assert job.fingerprint == session.fingerprints["matching"]
    assert job.path == session.shard_path("matching", 0)
    assert [item.id for item in job.items] == [item.id for item in done.items]
    assert all(item.kept is None and item.source is not None for item in job.items)


def test_without_the_stages_it_reads_there_is_no_job(open_session: Opener) -> None:
    with pytest.raises(CacheError, match="matching of .* needs features and segmentation"):
        shard_job(open_session(), "matching", 0)


def test_jobs_do_not_depend_on_the_working_folder(
    cartoons: Path, settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vgg19.pth").write_bytes(b"weights")
    relative = [f"data.root='{os.path.relpath(cartoons)}'", "store.cache=cache", "features.weights=vgg19.pth"]
    session = Session.open(load_config("demo", [*settings, *relative]))
    job = shard_job(session, "segmentation", 0)
    assert job.path.is_absolute()
    assert job.config.features.weights == tmp_path / "vgg19.pth"
    assert all(path.is_absolute() for item in job.items if item.source for path in item.source.frames)
