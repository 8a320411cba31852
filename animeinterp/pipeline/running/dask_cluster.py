"""Run jobs on a Dask cluster, local or remote, whose workers may join, leave and die."""

from __future__ import annotations

import itertools
import logging
import queue
import re
import uuid
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from contextlib import closing, suppress
from typing import Any, NoReturn, TypeVar

from distributed import Client, Future, WorkerPlugin, get_worker
from distributed.scheduler import KilledWorker

from animeinterp.configs.errors import ClusterError, ConfigError
from animeinterp.configs.sections import ExecutorSection
from animeinterp.models.precision import Precision, native_precision
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.running.interruption import GO_ON
from animeinterp.pipeline.running.local_cluster import end_with_parent, has_dashboard, start_local_cluster
from animeinterp.pipeline.running.waiting_for_workers import WorkerWait, offers
from animeinterp.pipeline.running.worker_checks import Surroundings, UnfitWorkerError, WorkerDiedError
from animeinterp.pipeline.store.sizes import in_bytes

CONNECT_SECONDS = "30s"
FIRST_WORKER_SECONDS = 20
CLOSE_SECONDS = 5
RESTART_SECONDS = 30  # a worker that is being started again can be stopped only when it has
NETWORK_STAGES = tuple(entry.name for entry in STAGES.values() if entry.networked)
NOISY = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")
ATTEMPTS = 5  # to set up workers, some of which may die meanwhile
LOOK_SECONDS = 2.0  # between checks of a cluster that finishes nothing

logger = logging.getLogger(__name__)

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")
Answer = TypeVar("Answer")


class PrepareWorker(WorkerPlugin):  # type: ignore[misc]
    """Sets up each worker process before its first job.

    Parameters
    ----------
    threads
        Of its libraries.
    own
        Whether this process started it, so that it ends with this process.
    """

    name = "animeinterp-prepare"

    def __init__(self, threads: int, own: bool) -> None:
        self.threads, self.own = threads, own

    def setup(self, worker: Any) -> None:  # noqa: ARG002
        """Give the libraries their threads and make the compiled code ready."""
        if self.own:
            end_with_parent()
        from animeinterp.pipeline.compute.warm_up import prepare_process  # late: imports all stages

        prepare_process(self.threads)


def on_worker(surroundings: Surroundings | None, function: Callable[[Job], Outcome], job: Job) -> Outcome:
    """Run a job on a worker if it is fit for it.

    Raises
    ------
    UnfitWorkerError
        It is not.
    """
    trouble = None if surroundings is None else surroundings.trouble()
    if trouble is not None:
        raise UnfitWorkerError(get_worker().address, trouble)
    return function(job)


def ask_cluster(address: str, device: str) -> Precision:
    """The precision in which every worker of a cluster computes fast; float32 if they differ, or none comes.

    Raises
    ------
    ConfigError
        No scheduler answers at the address.
    """
    _silence()
    with _connect(address) as client:
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
        found = set(client.run(native_precision, device, on_error="ignore").values())
    return found.pop() if len(found) == 1 else "float32"


def _connect(address: str, cluster: Any = None) -> Client:
    try:
        return Client(cluster or address, timeout=CONNECT_SECONDS)
    except OSError as error:
        raise ConfigError(
            f"executor.kind = {address!r}: no Dask scheduler answers there ({error}); "
            "start one with 'dask scheduler', or use executor.kind = 'local'"
        ) from None


def _silence() -> None:
    """Keep Dask's messages from the terminal, unless debugging; Dask sets levels when it is imported.

    When a run is interrupted its workers end too; messages about their connections help nobody.
    """
    if not logging.getLogger().isEnabledFor(logging.DEBUG):
        for name in NOISY:
            logging.getLogger(name).setLevel(logging.CRITICAL)


class DaskExecutor:
    """Runs jobs on the processes of a Dask cluster.

    Parameters
    ----------
    section
        Which cluster.
    surroundings
        What its workers must find, when they may be on other machines.
    """

    def __init__(self, section: ExecutorSection, surroundings: Surroundings | None = None) -> None:
        _silence()
        self._section = section
        self._cluster = start_local_cluster(section) if section.kind == "local" else None
        self._surroundings = None if self._cluster else surroundings
        self._unfit: set[str] = set()
        self._last_gone = 0.0
        self.lost: ClusterError | None = None
        self._client = _connect(section.kind, self._cluster)
        # What another cluster's scheduler has installed is not known here.
        self.dashboard: str | None = (
            self._client.dashboard_link if self._cluster is None or has_dashboard() else None
        )
        try:
            self._prepare_workers()
        except BaseException:
            self.close()
            raise

    def _prepare_workers(self) -> None:
        """Set up the present workers and make sure that they can take part; Dask sets up later ones.

        Raises
        ------
        ConfigError
            One of them cannot.
        ClusterError
            The scheduler has gone.
        """
        if self._surroundings is not None:
            self._surroundings.mark()
        try:
            prepare = PrepareWorker(self._section.threads, own=self._cluster is not None)
            self._ask(lambda: self._client.register_plugin(prepare))
        except ClusterError:
            raise
        except Exception as error:
            # Dask passes on any error of a worker as the text of an exception.
            if not re.search(r"ModuleNotFoundError|ImportError|AttributeError", repr(error)):
                raise
            raise ConfigError(
                f"executor.kind = {self._section.kind!r}: its workers cannot load animeinterp ({error}); "
                "install the same version in their environment as here, and start them again"
            ) from None
        if self._surroundings is not None:
            look = self._surroundings.trouble
            found = self._ask(lambda: self._client.run(look, on_error="ignore"))
            for worker, trouble in found.items():
                if trouble is not None:
                    raise ConfigError(f"executor.kind = {self._section.kind!r}: worker {worker}: {trouble}")

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        """The scheduler's answer; asked again if a worker dies meanwhile.

        Raises
        ------
        ClusterError
            The scheduler has gone.
        """
        for attempt in itertools.count(1):
            try:
                return question()
            except (OSError, CancelledError):
                if self._client.status != "running":
                    break
                if attempt == ATTEMPTS:
                    raise
        return self._lose_scheduler()

    def map(
        self, function: Callable[[Job], Outcome], jobs: Sequence[Job], stage: str = ""
    ) -> Generator[tuple[Job, Outcome | Exception], None, None]:
        """Run the jobs on free workers; leaving early cancels jobs that have not begun.

        Dask blames a worker's death on every job that was waiting there. Each of them is tried once more,
        alone; those that kill their worker again have `WorkerDiedError` as their outcome.
        """
        suspects: list[Job] = []
        if len(jobs) == 1:
            suspects.extend(jobs)  # no other jobs wait with it
        else:
            with closing(self._round(function, jobs, stage)) as outcomes:
                for job, outcome in outcomes:
                    if isinstance(outcome, WorkerDiedError):
                        suspects.append(job)
                    else:
                        yield job, outcome
        for suspect in suspects:
            with closing(self._round(function, [suspect], stage)) as outcomes:
                yield from outcomes

    def _round(
        self, function: Callable[[Job], Outcome], jobs: Sequence[Job], stage: str
    ) -> Generator[tuple[Job, Outcome | Exception], None, None]:
        """Run each job until it returns, fails, or its worker has died."""
        setting, resource = self._resource(stage)
        patience = WorkerWait(self._section, setting, resource)
        waiting, running = deque(jobs), dict[Future, Job]()
        finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
        # Dask groups jobs of one name and assigns them to workers as these become free.
        name = f"{stage or function.__name__}-{uuid.uuid4().hex}"
        keys = ((name, number) for number in itertools.count())
        try:
            while waiting or running:
                # Asked for once, since the answer of a large cluster takes longer than a job's way to it.
                fit = self._fit_workers(resource) if waiting and self._unfit else []
                while waiting and (fit or not self._unfit):
                    job = waiting.popleft()
                    future = self._submit(next(keys), resource, fit, function, job)
                    running[future] = job
                    future.add_done_callback(finished.put)
                try:
                    future = finished.get(timeout=LOOK_SECONDS)
                    outcome = self._outcome(future)
                except queue.Empty:
                    self._make_sure_of_scheduler()
                    given_up = patience.look(self._workers(), self._unfit)
                    if given_up is not None:
                        self._lose(f"{given_up}; {GO_ON}")
                    continue
                except TimeoutError:
                    future.add_done_callback(finished.put)  # its worker died with it, or the scheduler did
                    continue
                job = running.pop(future)
                future.release()  # else a job whose worker dies later is computed again needlessly
                if isinstance(outcome, UnfitWorkerError):
                    self._avoid(outcome)
                    waiting.append(job)
                    continue
                patience.reset()
                yield job, outcome
        finally:
            if running and self.lost is None:
                with suppress(OSError):
                    self._client.cancel(list(running))

    def _submit(
        self,
        key: tuple[str, int],
        resource: str,
        fit: list[str],
        function: Callable[[Job], Outcome],
        job: Job,
    ) -> Future:
        self._make_sure_of_scheduler()
        return self._client.submit(
            on_worker,
            self._surroundings,
            function,
            job,
            key=key,
            resources={resource: 1} if resource else None,
            workers=fit or None,
            allow_other_workers=bool(fit),
        )

    def _outcome(self, future: Future) -> Any:
        """The outcome of a job.

        Raises
        ------
        TimeoutError
            It does not come from the worker.
        ClusterError
            The scheduler has gone.
        """
        try:
            return future.result(timeout=LOOK_SECONDS)
        except CancelledError:
            self._lose_scheduler()
        except KilledWorker as error:
            return self._death(error)
        except Exception as error:  # noqa: BLE001 - handed to the caller in place of the outcome
            if future.status != "error":  # it is the connection's, not the job's
                self._make_sure_of_scheduler()
                if isinstance(error, OSError):
                    raise TimeoutError from None
            return error

    def _make_sure_of_scheduler(self) -> None:
        if self.lost is not None:
            raise self.lost
        if self._client.status in ("closing", "closed"):
            self._lose_scheduler()  # it was lost between requests

    def _lose_scheduler(self) -> NoReturn:
        self._lose(
            f"executor.kind = {self._section.kind!r}: the Dask scheduler has stopped or cannot be reached "
            f"any more; find the cause, and start it again; {GO_ON}"
        )

    def _lose(self, why: str) -> NoReturn:
        self.lost = ClusterError(why)
        raise self.lost

    def _resource(self, stage: str) -> tuple[str, str]:
        """Name of the setting that says which resource a stage needs, and its value."""
        setting = "network_resource" if stage in NETWORK_STAGES else "other_resource"
        return setting, getattr(self._section, setting)

    def _workers(self) -> dict[str, Any]:
        """The scheduler's records of its workers, by address."""
        if self._client.status != "running":
            return {}  # its jobs are about to be reported as cancelled
        with suppress(OSError):  # likewise
            return dict(self._client.scheduler_info(n_workers=-1).get("workers", {}))
        return {}

    def _fit_workers(self, resource: str) -> list[str]:
        return [
            address
            for address, worker in self._workers().items()
            if address not in self._unfit and offers(worker, resource)
        ]

    def _avoid(self, error: UnfitWorkerError) -> None:
        if error.worker not in self._unfit:
            self._unfit.add(error.worker)
            logger.warning("%s. Its jobs go to other workers.", error)

    def _death(self, error: KilledWorker) -> WorkerDiedError:
        deaths = error.allowed_failures + 1
        return WorkerDiedError(deaths, self._cause_of_death(error), max(0, self._newly_gone() - deaths))

    def _newly_gone(self) -> int:
        """How many workers were lost, for any reason, since the last call."""
        times: list[float] = []
        with suppress(OSError):
            events = self._client.get_events("all")
            times = [moment for moment, event in events if _is_departure(event)]
        count = sum(moment > self._last_gone for moment in times)
        self._last_gone = max([self._last_gone, *times])
        return count

    def _cause_of_death(self, error: KilledWorker) -> str:
        limit = error.last_worker.memory_limit
        with suppress(OSError):
            for _, event in self._client.get_events("worker-restart-memory"):
                if event["worker"] == error.last_worker.address:
                    taken = in_bytes(event["rss"])
                    return f"as it took more memory ({taken}) than its limit of {in_bytes(limit)} allows"
        known = f"its limit was {in_bytes(limit)}" if limit else "it had no limit of its own"
        return f"perhaps out of memory ({known}), or by a fault in a library"

    def close(self) -> None:
        """Disconnect; stop the processes that were started here."""
        with suppress(TimeoutError):
            self._client.close(timeout=CLOSE_SECONDS)
        if self._cluster is not None:
            with suppress(TimeoutError):
                self._cluster.close(timeout=RESTART_SECONDS)
        if self._surroundings is not None:
            self._surroundings.unmark()


def _is_departure(event: Any) -> bool:
    # Logging on someone else's cluster is up to its owner.
    return isinstance(event, dict) and event.get("action") == "remove-worker"
