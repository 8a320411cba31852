from __future__ import annotations

import os

import pytest

from animeinterp.pipeline.running.proxies import go_past_proxies


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")


def test_names_of_this_machine_are_added_once() -> None:
    go_past_proxies("127.0.0.2")
    go_past_proxies("127.0.0.2")
    assert os.environ["no_proxy"] == "localhost,127.0.0.1,::1,127.0.0.2"


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_what_is_there_stays(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "example.org,localhost")
    go_past_proxies()
    assert os.environ["no_proxy"] == "example.org,localhost,127.0.0.1,::1"


@pytest.mark.parametrize("host", ["example.org", "10.0.0.1", "localhost.example.org", "", "127.example.org"])
def test_other_machines_are_not(host: str) -> None:
    go_past_proxies(host)
    assert os.environ["no_proxy"] == "localhost,127.0.0.1,::1"


@pytest.mark.parametrize("host", ["127.8.9.1", "::1", "a.localhost"])
def test_every_address_of_this_machine_is(host: str) -> None:
    go_past_proxies(host)
    assert host in os.environ["no_proxy"].split(",")
