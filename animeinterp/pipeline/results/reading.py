"""Read results in a notebook or script: arrays as NumPy, Zarr or xarray, and pandas tables.

    import animeinterp

    results = animeinterp.open_results("default", {"data": {"root": "frames"}})
    flow = results["refinement"].arrays("Japan_v2_2_013471_s3")["refined_flow01"]

`open_results` finds what is current under a config; `open_cache` needs no dataset and takes the results of
the last run. Neither writes anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import zarr
from pydantic import ValidationError

from animeinterp.configs.errors import AnimeInterpError, CacheError, similar
from animeinterp.configs.loading import Settings, load_config
from animeinterp.configs.names import given_path, shown
from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.scores import score_table
from animeinterp.pipeline.store.array_specs import ARRAY_SPECS, Array
from animeinterp.pipeline.store.run_records import RunInfo, read_runs
from animeinterp.pipeline.store.shard_manifest import ItemRecord
from animeinterp.pipeline.store.stage_index import Location, StageIndex

if TYPE_CHECKING:
    import xarray


class StageResults:
    """The results of one stage.

    Parameters
    ----------
    stage
        Its name.
    locations
        Location of each item by id: a frame's `<pair>/<frame>` or a pair's.
    folder
        `<cache>/<stage>/<fingerprint>`; may be absent if nothing has been computed.
    """

    def __init__(self, stage: str, locations: Mapping[str, Location], folder: Path) -> None:
        self.stage, self.folder = stage, folder
        self._locations = locations

    def __contains__(self, item: object) -> bool:
        return item in self._locations

    def __repr__(self) -> str:
        return f"<StageResults of {self.stage}: {self.counts}; {shown(str(self.folder))}>"

    @property
    def counts(self) -> str:
        """How many items there are, and what became of them, in words."""
        found = Counter(at.record.status for at in self._locations.values())
        parts = ", ".join(f"{count} {status}" for status, count in found.most_common())
        return f"{found.total()} {STAGES[self.stage].units(found.total())}" + (parts and f", {parts}")

    @property
    def ids(self) -> list[str]:
        """Ids of all items, including failed ones."""
        return list(self._locations)

    def table(self) -> pd.DataFrame:
        """One row per item, indexed by id: `status`, `reason`, `seconds`, `shard` and `row` in it."""
        rows = [
            (name, at.record.status, at.record.reason, at.record.seconds, shown(str(at.path)), at.row)
            for name, at in self._locations.items()
        ]
        columns = ["id", "status", "reason", "seconds", "shard", "row"]
        return pd.DataFrame(rows, columns=columns).set_index("id")

    def record(self, item: str) -> ItemRecord:
        """The manifest record of an item.

        Raises
        ------
        CacheError
            No such item.
        """
        return self._locate(item).record

    def shard(self, item: str) -> Path:
        """Folder of the shard that holds an item.

        Raises
        ------
        CacheError
            No such item.
        """
        return self._locate(item).path

    def arrays(self, item: str, names: Sequence[str] | None = None) -> dict[str, Array]:
        """Arrays of an item, all by default; checked against the digests of the manifest.

        Raises
        ------
        CacheError
            No such item, one that failed, or damaged data.
        """
        return self._locate(item).read(names)

    def dataset(self, item: str) -> xarray.Dataset:
        """Arrays of an item with their dimensions and meanings; needs xarray.

        Raises
        ------
        CacheError
            As for `arrays`.
        """
        import xarray

        arrays = self.arrays(item)
        variables = {
            spec.name: (spec.dimensions, arrays[spec.name], spec.attributes)
            for spec in ARRAY_SPECS[self.stage]
            if spec.name in arrays
        }
        return xarray.Dataset(variables, coords={"id": item}, attrs={"stage": self.stage})

    def group(self, item: str) -> tuple[zarr.Group, int]:
        """The Zarr group that holds an item, read-only, and the item's position in its arrays.

        Raises
        ------
        CacheError
            No such item.
        """
        at = self._locate(item)
        return zarr.open_group(at.path, mode="r"), at.row

    def _locate(self, item: str) -> Location:
        if item not in self._locations:
            hint = (
                f"did you mean {similar(item, self.ids)}?" if self.ids else "nothing of it has been computed"
            )
            raise CacheError(f"{self.stage} has no item {item!r}; {hint}")
        return self._locations[item]


class Results(Mapping[str, StageResults]):
    """The results of each stage, by name.

    Parameters
    ----------
    stages
        By name, in the order of the work.
    session
        The config, dataset and cache behind them, if there is one.
    """

    def __init__(self, stages: Mapping[str, StageResults], session: Session | None = None) -> None:
        self._stages = stages
        self.session = session

    def __getitem__(self, stage: str) -> StageResults:
        if stage not in self._stages:
            raise KeyError(f"{stage!r}; there are {', '.join(self._stages)}")
        return self._stages[stage]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stages)

    def __len__(self) -> int:
        return len(self._stages)

    def __repr__(self) -> str:
        lines = [f"{stage:<14}{results.counts}" for stage, results in self._stages.items()]
        folder = next((results.folder.parents[1] for results in self._stages.values()), None)
        return "\n".join([f"Results in {shown(str(folder))}", *(f"  {line}" for line in lines)])

    def failures(self) -> pd.DataFrame:
        """One row per failed item: `stage`, `id` and `reason`."""
        rows = [
            (stage, name, results.record(name).reason)
            for stage, results in self._stages.items()
            for name in results.ids
            if results.record(name).status == "failed"
        ]
        return pd.DataFrame(rows, columns=["stage", "id", "reason"])

    @cached_property
    def frames(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of the frames of each pair, by the pair's id; empty without a config."""
        if self.session is None:
            return {}
        manifest = self.session.manifest
        return {p.id: tuple(manifest.frames[index].id for index in p.frames) for p in manifest.pairs}

    def scores(self) -> pd.DataFrame:
        """Scores of every scored pair, one row per pair, see `pipeline.results.scores.score_table`.

        Raises
        ------
        CacheError
            There is no config, so the pairs are unknown.
        """
        if self.session is None:
            raise CacheError("scores need a config: open them with open_results(CONFIG), not with open_cache")
        return score_table(self.session)


def open_results(config: str | Path, settings: Settings = ()) -> Results:
    """What is current under a config.

    Parameters
    ----------
    config, settings
        TOML file or name of a preset, and settings on top of it by section and key, such as
        `{"data": {"root": "frames"}}`, or as `--set` takes them.

    Raises
    ------
    AnimeInterpError
        Config, dataset or weights are unusable.
    """
    return results_of(Session.open(load_config(config, settings), look_only=True))


def results_of(session: Session) -> Results:
    """What is current in a session."""
    stages = {
        stage: StageResults(
            stage,
            {at.record.id: at for _, at in session.locations(stage) if at is not None},
            session.folder(stage),
        )
        for stage in session.stages
    }
    return Results(stages, session)


def open_cache(cache: str | Path) -> Results:
    """The results of the last run in a cache; needs neither config nor frames.

    Raises
    ------
    CacheError
        No run is recorded there.

    Notes
    -----
    Of several results of an item, from different inputs, the latest that is ok is used.
    """
    cache = given_path(cache)
    runs = read_runs(cache)
    if not runs:
        raise CacheError(
            f"{cache}: not a cache of a run; expected a folder with runs/<id>/run.json, as "
            "store.cache names it"
        )
    return open_run(runs[-1][0])


def open_run(folder: Path) -> Results:
    """The results of a run, given by the folder of its record.

    Raises
    ------
    CacheError
        It is not such a folder.
    """
    info = _run_info(folder)
    cache = folder.absolute().parents[1]
    stages = {
        stage: _under(cache / stage / info.fingerprints[stage])
        for stage in STAGES
        if stage in info.fingerprints
    }
    return Results(stages)


def session_of_run(folder: Path) -> Session | None:
    """Read-only session of a run's config and dataset; None if they no longer exist."""
    info = _run_info(folder)
    cache = folder.absolute().parents[1]
    try:
        config = Config.model_validate(info.config)
        config = config.model_copy(update={"store": config.store.model_copy(update={"cache": cache})})
        session = Session.open(config, look_only=True)
    except (AnimeInterpError, ValidationError):
        return None
    for stage, fingerprint in info.fingerprints.items():
        if stage in session.fingerprints:
            session = session.under(stage, fingerprint)
    return session


def _run_info(folder: Path) -> RunInfo:
    info = next((info for found, info in read_runs(folder.parents[1]) if found.name == folder.name), None)
    if info is None:
        raise CacheError(
            f"{folder}: not a record of a run; expected <cache>/runs/<id> with a readable run.json"
        )
    return info


def open_stage(folder: Path) -> StageResults:
    """The results of a fingerprint, given by its folder, `<cache>/<stage>/<fingerprint>`.

    Raises
    ------
    CacheError
        It is not such a folder.
    """
    if folder.parent.name not in STAGES or not folder.is_dir():
        raise CacheError(f"{folder}: not results of a stage; expected <cache>/<stage>/<fingerprint>")
    return _under(folder.absolute())


def _under(folder: Path) -> StageResults:
    return StageResults(folder.parent.name, StageIndex(folder).newest(), folder)
