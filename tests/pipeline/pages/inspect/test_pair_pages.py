from __future__ import annotations

import json
import re
import shutil
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.data.images import write_image
from animeinterp.pipeline.pages.html_files import page_file
from animeinterp.pipeline.pages.inspect.pair_pages import (
    SCRIPTS,
    Link,
    render_index,
    render_page,
    write_pages,
)
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from tests.pipeline.small_runs import Opener, Runner
from tests.project import ROOT

HOSTILE = """</script><script>alert('"&é世界')</script><!--"""
DATA = {"id": HOSTILE, "methods": "<i>by hand", "stages": [], "pictures": {}}


def ids_of(session: Session) -> list[str]:
    return [pair.id for pair in session.manifest.pairs]


def embedded(page: str) -> object:
    """The data in a page, as a browser finds them: to the first end of the script."""
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_nothing_in_the_data_becomes_html() -> None:
    page = render_page(DATA, "0", [Link("<Next>", 'a"b.html')]).decode()
    assert embedded(page) == DATA
    assert page.count("<script") == 2
    title = re.search(r"<title>(.*?)</title>", page)
    assert title is not None
    assert unescape(title[1]) == HOSTILE
    assert '<a href="a&#34;b.html">&lt;Next&gt;</a>' in page


def test_nothing_is_fetched() -> None:
    page = render_page(DATA, "0").decode()
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert not re.search(r"@import|url\(", page)
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page)
    assert policy is not None
    style, script = (
        re.search(r"<style>(.*?)</style>", page, re.DOTALL),
        re.findall(r'<script type="module">(.*?)</script>', page, re.DOTALL),
    )
    assert style is not None
    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in (style[1], script[0])]
    assert unescape(policy[1]) == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"
    )


def test_scripts_can_stand_in_a_page() -> None:
    files = {
        path.name for path in (ROOT / "animeinterp" / "pipeline" / "pages" / "inspect" / "web").iterdir()
    }
    assert files == {"page.html", "index.html", "page.css", *(Path(name).name for name in SCRIPTS)}
    for name in SCRIPTS:
        assert "</script" not in page_file(name)
        assert "innerHTML" not in page_file(name)


def test_a_page_is_written_again_only_when_it_changes(
    finished: None, run: Runner, open_session: Opener, tmp_path: Path
) -> None:
    session = open_session()
    name = ids_of(session)[0]
    (path,) = write_pages(session, [name], tmp_path / "pages")
    assert path == tmp_path / "pages" / f"{name}.html"
    content = embedded(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    assert content["id"] == name
    before = path.stat().st_ino
    write_pages(open_session(), [name], tmp_path / "pages")
    assert path.stat().st_ino == before
    changed = run("coarse_flow.max_shift=1", limit=1).session
    write_pages(changed, [name], tmp_path / "pages")
    assert path.stat().st_ino != before
    path.write_bytes(path.read_bytes()[:200])
    write_pages(changed, [name], tmp_path / "pages")
    assert embedded(path.read_text(encoding="utf-8"))


def test_a_page_that_shows_damage_is_written_again_when_it_is_mended(
    finished: None, run: Runner, open_session: Opener, tmp_path: Path
) -> None:
    session = open_session()
    shard = session.shard_path("refinement", 0)
    shutil.copytree(shard, tmp_path / "sound")
    for file in (shard / "refined_flow01" / "c").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\0" * file.stat().st_size)
    (path,) = write_pages(session, ids_of(session)[:1], tmp_path / "pages")
    assert "array 'refined_flow01'" in path.read_text(encoding="utf-8")
    shutil.rmtree(shard)
    shutil.copytree(tmp_path / "sound", shard)
    write_pages(open_session(), ids_of(session)[:1], tmp_path / "pages")
    assert "array 'refined_flow01'" not in path.read_text(encoding="utf-8")


def test_a_page_of_a_small_pair_is_small(finished: None, open_session: Opener, tmp_path: Path) -> None:
    session = open_session()
    (path,) = write_pages(session, ids_of(session)[:1], tmp_path)
    assert path.stat().st_size < 1_000_000


def test_several_pages_lead_from_one_to_the_next(
    finished: None, open_session: Opener, tmp_path: Path
) -> None:
    session = open_session()
    first, second, third, *_ = ids_of(session)
    paths = write_pages(session, [first, second, third, first], tmp_path)
    assert [path.name for path in paths] == [
        "index.html",
        *(f"{name}.html" for name in (first, second, third)),
    ]
    for path in paths:
        for address in re.findall(r'<a href="([^"#]+)"', path.read_text(encoding="utf-8")):
            assert (path.parent / address).is_file()
    page = paths[2].read_text(encoding="utf-8")
    assert f'<a href="{first}.html">‹ Previous</a><a href="{third}.html">Next ›</a>' in page


def test_ids_of_any_letters_have_pages(run: Runner, tmp_path: Path) -> None:
    names = ["a&b <c>", "ünï'\"世", "index"]
    for name in names:
        for frame in "ab":
            write_image(tmp_path / "frames" / name / f"{frame}.png", np.full((16, 24, 3), 90, np.uint8))
    session = run(f"data.root='{tmp_path / 'frames'}'", last="segmentation").session
    paths = write_pages(session, names, tmp_path / "pages")
    assert [path.name for path in paths] == ["index_.html", *(f"{name}.html" for name in names)]
    for path, name in zip(paths[1:], names, strict=True):
        content = embedded(path.read_text(encoding="utf-8"))
        assert isinstance(content, dict)
        assert content["id"] == name
    assert "a&amp;b &lt;c&gt;" in paths[0].read_text(encoding="utf-8")


def test_the_index_shows_pictures_and_scores(finished: None, open_session: Opener, tmp_path: Path) -> None:
    session = open_session()
    views = [PairResults(session, name) for name in ids_of(session)[:2]]
    index = render_index(views).decode()
    assert index.count('<img src="data:image/webp;base64,') == 2
    for view in views:
        scores = view.found("evaluation").arrays["scores"]
        assert f"<td>{scores[0]:.2f}</td><td>{scores[1]:.4f}</td><td>{scores[2]:.2f}</td>" in index
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", index)


def test_commands_are_quoted(open_session: Opener, tmp_path: Path) -> None:
    session = open_session()
    words = ["animeinterp", "run", "demo", "--set", "data.root=my frames"]
    (path,) = write_pages(session, ids_of(session)[:1], tmp_path, words)
    content = embedded(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    assert content["stages"][1]["command"].startswith(
        "animeinterp run demo --set 'data.root=my frames' --id "
    )


def test_unknown_pairs_are_refused_before_anything_is_written(open_session: Opener, tmp_path: Path) -> None:
    session = open_session()
    with pytest.raises(ConfigError, match="no pair 'nobody'"):
        write_pages(session, [ids_of(session)[0], "nobody"], tmp_path / "pages")
    assert not (tmp_path / "pages").exists()


def test_pages_that_cannot_be_written(open_session: Opener, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    session = open_session()
    with pytest.raises(DataError, match="cannot be written"):
        write_pages(session, ids_of(session)[:1], tmp_path / "file")


def test_a_page_says_how_damage_is_mended(finished: None, open_session: Opener, tmp_path: Path) -> None:
    shutil.rmtree(open_session().shard_path("synthesis", 0))
    session = open_session()
    (path,) = write_pages(session, ids_of(session)[:1], tmp_path, ["animeinterp", "run", "demo"])
    assert "--to synthesis" in path.read_text(encoding="utf-8")
