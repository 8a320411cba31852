from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.file_facts import FileFacts
from animeinterp.data.sgm_folders import FLOWS, find_flow_files, read_flow


def write_flows(folder: Path, value: float = 0.0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FLOWS:
        np.save(folder / name, np.full((2, 4, 6), value))


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    for dtype in ("float16", "float32", "float64", "int32"):
        array = np.arange(48, dtype=dtype).reshape(2, 4, 6)
        np.save(tmp_path / "flow.npy", array)
        read = read_flow(tmp_path / "flow.npy")
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array)


def whole(path: Path) -> bytes:
    np.save(path, np.zeros((2, 4, 6)))
    return path.read_bytes()


def truncated(path: Path) -> None:
    path.write_bytes(whole(path)[:-9])


def header_only(path: Path) -> None:
    path.write_bytes(whole(path)[:70])


def huge(path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 99999999, 99999999), }"
    path.write_bytes(b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header.ljust(117) + b"\n")


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("0 0 0 0")


class Intruder:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code from a pickle",)


def pickled_objects(path: Path) -> None:
    np.save(path, np.array([Intruder()], object), allow_pickle=True)


def bare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Intruder()))


def archive(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, flow=np.zeros((2, 4, 6)))


@pytest.mark.parametrize(
    "spoil", [truncated, header_only, huge, empty, text, pickled_objects, bare_pickle, archive]
)
def test_files_that_are_no_arrays_are_refused_by_name(
    tmp_path: Path, spoil: object, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "guide_flo13.npy"
    spoil(path)  # type: ignore[operator]
    with pytest.raises(DataError, match=r"guide_flo13.npy: not a .npy file of numbers \(.+\); expected a"):
        read_flow(path)
    assert "code from a pickle" not in capsys.readouterr().out


def test_a_missing_file_is_named_with_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="cannot be read .No such file.*; expected guide_flo13.npy and guide_flo31.npy"
    ):
        read_flow(tmp_path / "a" / FLOWS[0])


def test_files_of_a_pair_and_what_is_in_them(tmp_path: Path) -> None:
    write_flows(tmp_path / "a")
    write_flows(tmp_path / "b")
    np.save(tmp_path / "b" / FLOWS[1], np.ones((2, 4, 6)))
    write_flows(tmp_path / "half")
    (tmp_path / "half" / FLOWS[0]).unlink()
    facts = FileFacts(tmp_path / "facts.json")
    a, b, half, absent = find_flow_files(tmp_path, ["a", "b", "half", "absent"], facts)
    assert a.paths == (tmp_path / "a" / "guide_flo13.npy", tmp_path / "a" / "guide_flo31.npy")
    assert (a.present, b.present, half.present, absent.present) == (True, True, False, False)
    assert a.digests[0] == a.digests[1] == b.digests[0] == half.digests[1]
    assert b.digests[1] not in a.digests
    assert half.digests[0] == absent.digests[0] == absent.digests[1]


def test_files_are_not_read_again_unless_they_changed(tmp_path: Path) -> None:
    write_flows(tmp_path / "a")
    facts = FileFacts(tmp_path / "facts.json")
    (before,) = find_flow_files(tmp_path, ["a"], facts)
    facts.save()
    assert find_flow_files(tmp_path, ["a"], FileFacts(tmp_path / "facts.json")) == [before]
    np.save(tmp_path / "a" / FLOWS[0], np.ones((2, 4, 6), np.float32))
    (after,) = find_flow_files(tmp_path, ["a"], FileFacts(tmp_path / "facts.json"))
    assert after.digests[0] != before.digests[0]
    assert after.digests[1] == before.digests[1]
