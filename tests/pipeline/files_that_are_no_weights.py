"""Files that are given as weights and are none, some with code in them."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch


def text_file(path: Path) -> None:
    path.write_text("these are no weights")


def missing_keys(path: Path) -> None:
    torch.save({"model_state_dict": {"module.flownet.fnet.conv1.weight": torch.zeros(64, 3, 7, 7)}}, path)


def surplus_key(path: Path) -> None:
    torch.save({"model_state_dict": {"module.somebody.elses": torch.zeros(1)}}, path)


class Intruder:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (print, ("code from a pickle",))


def hidden_code(path: Path) -> None:
    torch.save({"model_state_dict": {"module.flownet": Intruder()}}, path)


def old_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Intruder()))


def plain_zip(path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("readme.txt", "no weights here")
    path.write_bytes(content.getvalue())
