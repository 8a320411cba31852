"""Luigi's scheduler: in this process, or a `luigid` whose web page shows the run."""

from __future__ import annotations

import configparser
import json
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import luigi
from luigi.rpc import RPCError
from luigi.task_register import Register

from animeinterp.configs.errors import ClusterError, ConfigError
from animeinterp.pipeline.running.luigi_tasks import RunDataset
from animeinterp.pipeline.running.proxies import go_past_proxies

ANSWER_SECONDS = 10.0
SETTINGS = "luigi.cfg in the working folder, /etc/luigi, or the file that LUIGI_CONFIG_PATH names"


def check(luigid: str) -> None:
    """Make sure that a Luigi scheduler answers; empty = use none.

    Raises
    ------
    ConfigError
        Nothing answers, or it is not a Luigi scheduler.
    """
    if not luigid:
        return
    go_past_proxies(urlsplit(luigid).hostname or "")
    try:
        with urllib.request.urlopen(
            f"{luigid.rstrip('/')}/api/resource_list", timeout=ANSWER_SECONDS
        ) as answer:
            _ = json.load(answer)["response"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"executor.luigid = {luigid!r}: no Luigi scheduler answers there ({error}); start one with "
            "'luigid', or leave executor.luigid empty"
        ) from None


def build(task: RunDataset, luigid: str, log_level: str) -> None:
    """Run a task and its batches in this process.

    Raises
    ------
    ClusterError
        The Luigi scheduler was lost, or does not hand out tasks.
    ConfigError
        Luigi rejects its own settings.
    """
    where = {"scheduler_url": luigid} if luigid else {"local_scheduler": True}
    try:
        # One Luigi worker: forked ones and Torch, CUDA or Dask clients do not mix.
        luigi.build([task], workers=1, log_level=log_level, **where)
    except RPCError:
        raise ClusterError(
            f"executor.luigid = {luigid!r}: the Luigi scheduler has stopped or cannot be reached any more; "
            "finished results are kept: run the same command again, with or without the scheduler, to resume"
        ) from None
    except (ValueError, OSError, configparser.Error) as error:  # Luigi handles the errors of tasks itself
        raise ConfigError(f"Luigi rejects its settings ({error}); correct {SETTINGS}") from None
    finally:
        Register.clear_instance_cache()  # it would keep every run of a long process
    run = task.pipeline_run
    hindered = run.report.broken or run.changed or run.stopped
    if luigid and not hindered and not all(batch.complete() for batch in task.requires()):
        raise ClusterError(
            f"executor.luigid = {luigid!r}: the Luigi scheduler did not give this run all of its tasks: "
            "another run has them, or they were done less than a minute ago (see its web page); run the same "
            "command again later, or without executor.luigid"
        )
