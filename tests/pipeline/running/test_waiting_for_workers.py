from __future__ import annotations

import pytest

from animeinterp.configs.sections import ExecutorSection
from animeinterp.pipeline.running import waiting_for_workers as patience
from animeinterp.pipeline.running.waiting_for_workers import WorkerWait

ADDRESS = "tcp://node:8786"
GPU = {"a": {"resources": {"GPU": 1.0}}}
CPU = {"b": {"resources": {"CPU": 2.0}}}


def watch(wait_minutes: float = 60.0, resource: str = "GPU") -> WorkerWait:
    return WorkerWait(ExecutorSection(kind=ADDRESS, wait_minutes=wait_minutes), "network_resource", resource)


def test_nothing_is_said_while_somebody_can_work(caplog: pytest.LogCaptureFixture) -> None:
    assert watch().look({**GPU, **CPU}, set()) is None
    assert watch(resource="").look(CPU, set()) is None
    assert caplog.text == ""


def test_a_cluster_without_workers_gets_some_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watch().look({}, set()) is None
    assert caplog.text == ""
    monkeypatch.setattr(patience, "GRACE_SECONDS", 0.0)
    watched = watch()
    assert watched.look({}, set()) is None
    assert f"executor.kind = '{ADDRESS}': there is no worker; waiting for one" in caplog.text
    caplog.clear()
    assert watched.look({}, set()) is None
    assert caplog.text == ""  # once is enough for a while
    assert watched.look(GPU, set()) is None
    assert "has a worker for these jobs again" in caplog.text


def test_what_is_lacking_is_named(caplog: pytest.LogCaptureFixture) -> None:
    watch().look(CPU, set())
    assert "executor.network_resource = 'GPU': no worker" in caplog.text
    assert "(offered: CPU=2)" in caplog.text
    assert '--resources "GPU=1"' in caplog.text
    watch().look(GPU, {"a"})
    assert "none of its 1 workers can take part" in caplog.text


def test_patience_ends_and_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = watch(wait_minutes=1e-9)
    watched.look(CPU, set())
    assert "none joined within executor.wait_minutes = 1e-09" in str(watched.look(CPU, set()))
    watched.reset()
    assert watched.look(CPU, set()) is None
