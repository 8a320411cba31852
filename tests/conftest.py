from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.file_server import Server
from tests.project import SHARED
from tests.users import TestAsRoot, is_privileged

# Weights that whoever runs the tests has fetched would change results.
os.environ["XDG_DATA_HOME"] = "/nonexistent"

# How long an example takes depends on what else the machine does.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

# Messages then name the program as they do for users who have it on their path.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop(
        "COLUMNS", None
    )  # of the terminal of the tests; output that is read has a width of its own
    # There is such a process for each core already; threads that wait for each other would double the time.
    os.environ["OMP_NUM_THREADS"] = "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    import torch

    cuda = torch.cuda.is_available()
    for item in items:
        if "gpu" in item.keywords and not cuda:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
    items[:] = [_by_who_may(item) for item in items]


def _by_who_may(item: pytest.Item) -> pytest.Item:
    if "privileged" not in item.keywords or is_privileged():
        return item
    test: TestAsRoot = TestAsRoot.from_parent(item.parent, name=item.name, test=item)
    return test


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of one file on this machine."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def released_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights, as the released program writes them."""
    import torch

    from tests.released_results import random_checkpoint

    path = tmp_path_factory.mktemp("released") / "random.ckpt"
    torch.save({"model_state_dict": {f"module.{k}": v for k, v in random_checkpoint().items()}}, path)
    return path


@pytest.fixture(scope="session")
def shared_triplets() -> Path:
    """Folder of real triplets with other methods' scores; not part of the project."""
    folder = SHARED / "triplets"
    if not folder.is_dir():
        pytest.skip(f"needs real triplets, which the project may not hold, in {folder}")
    return folder
