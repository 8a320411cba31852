from __future__ import annotations

from http.client import HTTPMessage
from io import BytesIO
from pathlib import Path
from urllib.request import Request

import pytest

from animeinterp.configs.errors import WeightsError
from animeinterp.models.weights import download as weights_download
from animeinterp.models.weights.download import download
from tests.file_server import CONTENT, DIGEST, Server


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "weights.pth"


def only(target: Path) -> None:
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.read_bytes() == CONTENT


def test_a_file_is_fetched_and_progress_told(server: Server, target: Path) -> None:
    told: list[tuple[int, int | None]] = []
    assert download(server.url, target, DIGEST, lambda *state: told.append(state)) == DIGEST
    only(target)
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


@pytest.mark.parametrize("sha256", ["", DIGEST[:8], DIGEST[:8].upper()])
def test_some_digits_of_the_digest_suffice(server: Server, target: Path, sha256: str) -> None:
    assert download(server.url, target, sha256) == DIGEST
    only(target)


def test_a_lost_connection_is_taken_up_where_it_broke(server: Server, target: Path) -> None:
    server.drop_after = [1_000_000, 500_000]
    download(server.url, target, DIGEST, wait=0)
    only(target)
    assert server.asked == [None, "bytes=1000000-", "bytes=1500000-"]


def test_what_came_is_kept_for_the_next_run(server: Server, target: Path) -> None:
    server.drop_after = [1000] * 4
    with pytest.raises(
        WeightsError, match=r"connection was lost .* 4 times; 4000 bytes are kept in .*\.part"
    ):
        download(server.url, target, DIGEST, wait=0)
    assert not target.exists()
    download(server.url, target, DIGEST)
    only(target)
    assert server.asked[-1] == "bytes=4000-"


def test_a_server_without_ranges_sends_the_file_anew(server: Server, target: Path) -> None:
    server.knows_ranges, server.drop_after = False, [1000]
    download(server.url, target, DIGEST, wait=0)
    only(target)


def test_a_part_of_another_version_is_not_continued(server: Server, target: Path) -> None:
    server.content, server.drop_after = bytes(len(CONTENT)), [2000] * 4
    with pytest.raises(WeightsError, match="kept"):
        download(server.url, target, DIGEST, wait=0)
    server.content, server.tag = CONTENT, '"two"'
    download(server.url, target, DIGEST)
    only(target)


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_a_part_without_a_sure_tag_is_not_continued(server: Server, target: Path, tag: str) -> None:
    server.tag, server.drop_after = tag, [1000]
    download(server.url, target, DIGEST, wait=0)
    only(target)
    assert server.asked == [None, None]


def test_a_part_longer_than_the_file_is_begun_anew(server: Server, target: Path) -> None:
    target.parent.mkdir()
    (target.parent / "weights.pth.part").write_bytes(b"x" * (len(CONTENT) + 5))
    (target.parent / "weights.pth.part.tag").write_text('"one"')
    download(server.url, target, DIGEST, wait=0)
    only(target)


def test_a_file_with_another_digest_is_thrown_away(server: Server, target: Path) -> None:
    with pytest.raises(WeightsError, match=f"has SHA-256 {DIGEST}, expected 12345678.*thrown away"):
        download(server.url, target, "12345678")
    assert list(target.parent.iterdir()) == []


def test_an_older_file_stays_until_the_new_one_is_right(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"old")
    with pytest.raises(WeightsError, match="thrown away"):
        download(server.url, target, "12345678")
    assert target.read_bytes() == b"old"


def test_a_server_that_is_busy_is_asked_again(server: Server, target: Path) -> None:
    server.errors = [503, 500]
    download(server.url, target, DIGEST, wait=0)
    only(target)


def test_a_server_that_refuses_is_not(server: Server, target: Path) -> None:
    server.errors = [404]
    with pytest.raises(WeightsError, match="answered 404 Not Found; check the address"):
        download(server.url, target, DIGEST, wait=0)
    assert len(server.asked) == 1


def test_nobody_answers(server: Server, target: Path) -> None:
    url = "http://127.0.0.1:1/weights.pth"
    with pytest.raises(WeightsError, match=r"server could not be reached .* 4 times; run again later"):
        download(url, target, DIGEST, wait=0)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "weights.pth", "http://"])
def test_other_addresses_are_refused(url: str, target: Path) -> None:
    with pytest.raises(WeightsError, match="not the address of a file, expected http"):
        download(url, target)
    assert not target.parent.exists()


def test_a_full_disk_is_told_before_it_is_filled(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr(weights_download.shutil, "disk_usage", lambda path: Usage)
    with pytest.raises(
        WeightsError, match=r"weights.pth.part: cannot be written .*; make room and run again"
    ):
        download(server.url, target, DIGEST, wait=0)


def test_a_folder_that_cannot_be_made_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match=r"cannot be written .*; choose another folder"):
        download(server.url, tmp_path / "file" / "weights.pth", DIGEST)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "gopher://127.0.0.1/"]
)
def test_a_server_that_points_elsewhere_than_to_the_web_is_not_followed(
    server: Server, target: Path, address: str
) -> None:
    server.redirects = [address]
    with pytest.raises(
        WeightsError, match="points to .*, which is not followed|Redirection to .* is not allowed"
    ):
        download(server.url, target, "", wait=0)
    assert not target.exists()


def test_redirects_are_followed_and_not_without_end(server: Server, target: Path) -> None:
    server.redirects = [server.url, "/weights.pth"]
    download(server.url, target, DIGEST)
    only(target)
    server.redirects = [server.url] * 20
    with pytest.raises(WeightsError, match="infinite loop"):
        download(server.url, target, DIGEST, wait=0)


def test_from_a_safe_address_to_an_unsafe_one_nobody_goes() -> None:
    request = Request("https://host/weights.pth")
    with pytest.raises(WeightsError, match="points to http://host/weights.pth, which is not followed"):
        weights_download._SafeRedirects().redirect_request(
            request, BytesIO(), 302, "", HTTPMessage(), "http://host/weights.pth"
        )


@pytest.mark.parametrize("length", ["3000001", "99999999", "1000"])
def test_a_server_that_says_a_wrong_length_gives_no_file(server: Server, target: Path, length: str) -> None:
    server.claimed_length = length
    with pytest.raises(WeightsError):
        download(server.url, target, DIGEST, wait=0)
    assert not target.exists()


@pytest.mark.parametrize("length", ["many", "-5", "1e9"])
def test_a_length_that_is_none_is_not_heeded(server: Server, target: Path, length: str) -> None:
    server.claimed_length = length
    download(server.url, target, DIGEST, wait=0)
    only(target)


def test_a_server_that_never_stops_is_left(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_download, "MOST_BYTES", 2 * len(CONTENT))
    server.endless = True
    with pytest.raises(WeightsError, match="sends more than 0.006 GB, which are no weights"):
        download(server.url, target, "", wait=0)
    assert list(target.parent.iterdir()) == []
    server.endless, server.claimed_length = False, "99000000000"
    with pytest.raises(WeightsError, match="which are no weights"):
        download(server.url, target, "", wait=0)
