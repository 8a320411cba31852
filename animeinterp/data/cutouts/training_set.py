"""Training sets: scenes in shards of plain `.npz`, with a record of how they were made.

A set is a folder. `training_set.json` names the settings, the book by its digest and every picture that may
be in it; `shard_00000.npz` and so on hold the scenes, each array of a scene a member of its own, so that one
scene is read without the others. The last file is `digests.json`, the SHA-256 of every shard: it alone says
that the set is complete. Files appear whole, by renaming, and are the same bytes however often the work was
interrupted and however many processes share it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from animeinterp.configs.errors import DataError
from animeinterp.configs.files import HIDDEN_PREFIX, replace_file, sha256_of
from animeinterp.data.cutouts.book import Book, Split, open_book
from animeinterp.data.cutouts.cartoon_scenes import draw_cartoon_scene
from animeinterp.data.cutouts.processes import in_processes
from animeinterp.data.cutouts.scene import SCENE_VERSION, check_scene, draw_scene

SET_VERSION = 1
"""Increased whenever the storage format changes."""
RECORD, DIGESTS = "training_set.json", "digests.json"
CARTOONS: Mapping[Split, int] = {"training": 1_000_000_000, "validation": 2_000_000_000}
"""Added to seeds of cartoons: those of the demo, of tests and of benchmarks are below."""
EARLIEST, LATEST = 0.1, 0.9
"""Times of middle frames that are not half-way."""


@dataclass(frozen=True, slots=True)
class SetSettings:
    """What a training set is made of; the same settings and the same book give the same bytes."""

    count: int
    """Scenes, from 1."""
    size: tuple[int, int] = (256, 256)
    """Height and width in pixels."""
    split: Split = "training"
    """Which drawings are used."""
    seed: int = 0
    """Seed of the first scene; the others follow one by one."""
    half_way: float = 0.5
    """Share of scenes, 0..1, whose middle frame is at 0.5; the others have it at any time from 0.1 to 0.9."""
    degraded: float = 0.5
    """Share of scenes, 0..1, whose frames are degraded."""
    cartoons: float = 0.0
    """Share of scenes, 0..1, that are windows into drawn cartoons, whose middle frame is at 0.5."""
    shard: int = 64
    """Scenes in a file; 64 of 256x256 are about 73 MB."""

    @property
    def shards(self) -> int:
        """Number of files."""
        return -(-self.count // self.shard)

    def scenes_of(self, shard: int) -> range:
        """Positions of the scenes in a file."""
        return range(shard * self.shard, min(self.count, (shard + 1) * self.shard))


def write_training_set(
    book: Path,
    root: Path,
    settings: SetSettings,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Draw the missing scenes of a training set.

    Parameters
    ----------
    book
        Folder of a book written by `data.cutouts.make_book`.
    root
        Folder of the set; created if missing.
    settings
        What to draw.
    workers
        Processes, from 1; 1 draws in this one. More need a main module that can be imported again.
    progress
        Called with the number of shards that are done and that of all.

    Returns
    -------
    str
        SHA-256 of the record and of all shards: the name of exactly this data.

    Raises
    ------
    configs.errors.DataError
        A setting is out of range, the folder holds another set, or it cannot be written.

    Notes
    -----
    An existing shard is complete and left alone. Only one program at a time may write to a folder.
    """
    _check(settings, workers)
    opened = open_book(book)
    with _written(root):
        _begin(root, _record(opened, settings))
        missing = [shard for shard in range(settings.shards) if not shard_path(root, shard).exists()]
        done = settings.shards - len(missing)
        if progress is not None:
            progress(done, settings.shards)
        for _ in in_processes(partial(_write_shard, book, opened.digest, root, settings), missing, workers):
            done += 1
            if progress is not None:
                progress(done, settings.shards)
        digests = {shard_path(root, i).name: sha256_of(shard_path(root, i)) for i in range(settings.shards)}
        content = json.dumps({"record": sha256_of(root / RECORD), "shards": digests}, indent=1).encode()
        replace_file(root / DIGESTS, content, flush=True)
    return hashlib.sha256(content).hexdigest()


def shard_path(root: Path, shard: int) -> Path:
    """File of a shard."""
    return root / f"shard_{shard:05d}.npz"


def _check(settings: SetSettings, workers: int) -> None:
    check_scene(settings.seed, settings.size)
    for name, found in (("count", settings.count), ("shard", settings.shard), ("workers", workers)):
        if found < 1:
            raise DataError(f"{name}: found {found}, expected 1 or more; raise it")
    for name in ("half_way", "degraded", "cartoons"):
        share = getattr(settings, name)
        if not 0 <= share <= 1:
            raise DataError(f"{name}: found {share}, expected a share from 0 to 1; change it")


def _record(book: Book, settings: SetSettings) -> bytes:
    pictures = [{"name": drawing.name, "sha256": drawing.digest} for drawing in book.of(settings.split)]
    versions = {"set": SET_VERSION, "scene": SCENE_VERSION}
    about: dict[str, object] = {"versions": versions, "settings": asdict(settings), "book": book.digest}
    about |= {"source": book.source, "pictures": pictures}
    return json.dumps(about, indent=1).encode()


def _begin(root: Path, record: bytes) -> None:
    """Write the record or check that the existing one is the same; delete leftover files."""
    root.mkdir(parents=True, exist_ok=True)
    path = root / RECORD
    if path.exists() and path.read_bytes() != record:
        raise DataError(
            f"{path}: found a training set with other settings, another book or an older version; "
            "choose another folder or remove this one"
        )
    for left in root.glob(f"{HIDDEN_PREFIX}*"):
        left.unlink(missing_ok=True)
    if not path.exists():
        replace_file(path, record, flush=True)


_books: dict[tuple[Path, str], Book] = {}
"""A process opens its book once."""


def _write_shard(book: Path, digest: str, root: Path, settings: SetSettings, shard: int) -> None:
    if (book, digest) not in _books:
        _books[book, digest] = open_book(book)
    opened = _books[book, digest]
    if opened.digest != digest:
        raise DataError(f"{book}: was replaced while scenes were drawn from it; restart with the new one")
    arrays: dict[str, np.ndarray] = {}
    for position in settings.scenes_of(shard):
        for name, array in draw_arrays(opened, settings, position).items():
            arrays[f"{position:07d}_{name}"] = array
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    with _written(root):
        replace_file(shard_path(root, shard), packed.getvalue(), flush=True)


def draw_arrays(book: Book, settings: SetSettings, position: int) -> dict[str, np.ndarray]:
    """Draw the scene at a position of a set, as it is stored."""
    seed = settings.seed + position
    half, time, suffers, kind = np.random.default_rng([seed, 2]).random(4)
    degraded = bool(suffers < settings.degraded)
    t = 0.5 if half < settings.half_way else round(EARLIEST + (LATEST - EARLIEST) * time, 3)
    if kind < settings.cartoons:
        t = 0.5
        cartoon_seed = CARTOONS[settings.split] + seed
        frames, flows, occluded = draw_cartoon_scene(cartoon_seed, settings.size, degraded=degraded)
    else:
        scene = draw_scene(book, seed, settings.size, (t,), split=settings.split, degraded=degraded)
        frames = np.stack([scene.frame0, *scene.middle, scene.frame1])
        flows = np.stack([scene.flow01, scene.flow10])
        occluded = np.stack([scene.occluded01, scene.occluded10])
    return {
        "frames": frames,
        "flows": flows.astype(np.float16),
        "occluded": np.packbits(occluded),
        "facts": np.array([t, seed, degraded], np.float64),
    }


@contextmanager
def _written(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{root}: cannot be written ({error}); choose a writable folder with free space; "
            "finished files are kept"
        ) from error
