"""Runs on datasets, as `animeinterp run` makes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from animeinterp.configs.errors import CacheError
from animeinterp.configs.loading import Settings, setting_strings
from animeinterp.pipeline.cli.plain_console import plain_console
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.results.reading import Results, results_of
from animeinterp.pipeline.running.execute import execute


def run(
    config: str | Path,
    settings: Settings = (),
    *,
    first: str = "segmentation",
    last: str = "evaluation",
    force: Collection[str] = (),
    retry_failed: bool = False,
    limit: int | None = None,
    ids: Sequence[str] = (),
    replace_results: bool = False,
    quiet: bool = False,
) -> Results:
    """Run the stages on a dataset; current results are not computed again.

    Parameters
    ----------
    config
        TOML file or name of a preset.
    settings
        On top of it, by section and key, such as `{"data": {"root": "frames"}}`.
    first, last
        First and last stage to run.
    force
        Stages to compute again even if they are current.
    retry_failed
        Compute items again that failed before.
    limit, ids
        Only so many pairs, or only these.
    replace_results
        Replace results of another config in `store.results`; without this, the run is refused.
    quiet
        Show no progress.

    Returns
    -------
    Results
        What is current now. A bad item does not stop a run: `Results.failures` has those that failed.

    Raises
    ------
    AnimeInterpError
        Config, dataset, weights, cache or cluster are unusable, or a shard could not be written.
    KeyboardInterrupt
        Finished results are kept; the same call resumes.
    """
    selection = Selection(
        first,
        last,
        frozenset(force),
        retry_failed,
        limit,
        tuple(ids),
        replace_results=replace_results,
    )
    report = execute(
        str(config), setting_strings(settings), selection, plain_console(stderr=True), quiet=quiet
    )
    if report.broken:
        raise CacheError("; ".join(report.broken))
    return results_of(report.session)
