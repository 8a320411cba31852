"""The Luigi tasks: one per stage and batch of shards, and one for a whole run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any, ClassVar, cast

import luigi
from luigi.parameter import ParameterVisibility

from animeinterp.configs.errors import CacheError
from animeinterp.configs.loading import PROJECT_FILE, load_config
from animeinterp.pipeline.compute.registry import STAGES, binding_of
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.shard_planning import shard_job
from animeinterp.pipeline.running.deadly_items import compute_shards
from animeinterp.pipeline.running.output_folder import write_results
from animeinterp.pipeline.running.run import Run, RunFailedError, describe

LISTED = 20  # failures in an error message; the run's table has them all


class OpenRun(luigi.Parameter):  # type: ignore[misc]
    """The run that a task belongs to; not part of the task's name."""

    def serialize(self, _: object) -> str:
        """Nothing: Luigi's pages need not show it."""
        return ""


class PipelineTask(luigi.Task):  # type: ignore[misc]
    """Parameters shared by all tasks of a run."""

    config = luigi.Parameter(
        default=PROJECT_FILE, description="TOML file or name of a shipped preset; default: that of the folder"
    )
    settings = luigi.ListParameter(default=(), description="section.key=value, overrides the config")
    first = luigi.ChoiceParameter(
        choices=list(STAGES), default="segmentation", description="first stage to run"
    )
    last = luigi.ChoiceParameter(choices=list(STAGES), default="evaluation", description="last stage to run")
    force = luigi.ListParameter(default=(), description="stages to compute again even if they are current")
    retry_failed = luigi.BoolParameter(description="try failed items again")
    limit = luigi.OptionalIntParameter(default=None, description="only the first pairs")
    ids = luigi.ListParameter(default=(), description="only these pairs")
    rehash = luigi.BoolParameter(description="look at every byte of the source files again")
    replace_results = luigi.BoolParameter(
        description="let results of another config in store.results give way to these"
    )
    opened = OpenRun(default=None, significant=False, visibility=ParameterVisibility.PRIVATE)

    @cached_property
    def pipeline_run(self) -> Run:
        """The run that the task was given; a task that Luigi's own command begins with opens one."""
        if self.opened is not None:
            return cast(Run, self.opened)
        selection = Selection(
            self.first,
            self.last,
            frozenset(self.force),
            self.retry_failed,
            self.limit,
            tuple(self.ids),
            self.rehash,
            self.replace_results,
        )
        return Run.open(load_config(self.config, self.settings), selection)

    @property
    def shared(self) -> dict[str, Any]:
        """The shared parameters and the run, to hand on to other tasks."""
        names = [name for name, _ in PipelineTask.get_params()]
        return {name: getattr(self, name) for name in names} | {"opened": self.pipeline_run}


class BatchTarget(luigi.Target):  # type: ignore[misc]
    """The shards of one stage and batch."""

    def __init__(self, run: Run, stage: str, groups: Sequence[int]) -> None:
        self.run, self.stage, self.groups = run, stage, groups

    def exists(self) -> bool:
        """Whether all of them are complete."""
        return all(self.run.session.is_complete(self.stage, group) for group in self.groups)


class StageBatch(PipelineTask):
    """One stage on one batch of shards."""

    stage: ClassVar[str]
    batch_number = luigi.IntParameter(description="number of the batch, from 0")

    @property
    def priority(self) -> int:
        """Earlier batches first, so that the first frames are finished soon."""
        return -int(self.batch_number)

    @property
    def groups(self) -> tuple[int, ...]:
        """Groups of the batch with selected items."""
        return self.pipeline_run.batches(self.stage).get(self.batch_number, ())

    def requires(self) -> Iterator[StageBatch]:
        """Batches of earlier stages that this one reads."""
        run = self.pipeline_run
        frame_groups = {home for group in self.groups for home in run.session.layout.frame_groups(group)}
        for name in binding_of(self.stage, run.session.config).reads:
            if name not in run.session.stages:
                continue
            crosses = STAGES[self.stage].unit == "pair" and STAGES[name].unit == "frame"
            needed = frame_groups if crosses else set(self.groups)
            for number in sorted({run.batch_of(group) for group in needed}):
                yield TASKS[name](**self.shared, batch_number=number)

    def output(self) -> BatchTarget:
        """The batch's shards."""
        return BatchTarget(self.pipeline_run, self.stage, self.groups)

    def run(self) -> None:
        """Compute and commit what is missing.

        Raises
        ------
        RunFailedError
            A shard could not be committed; the others of the batch are.
        """
        run = self.pipeline_run
        if run.stopped is not None:
            raise RunFailedError(str(run.stopped))
        broken, changed = len(run.report.broken), len(run.changed)
        try:
            self._compute(run)
        except Exception as error:
            # Luigi only logs errors; the run's summary needs them.
            if isinstance(error, OSError):
                run.met(self.stage, "", error)  # a full disk stops the run here as well
            elif error is not run.stopped:
                run.report.broken.append(f"{self.stage}: {describe(error)}")
            raise
        trouble = [*run.report.broken[broken:], *(str(error) for error in run.changed[changed:])]
        if trouble:
            raise RunFailedError("\n".join(trouble))

    def _compute(self, run: Run) -> None:
        todo = [group for group in self.groups if not run.session.is_complete(self.stage, group)]
        run.session.prepare(self.stage)
        jobs, group_of = [], {}
        for group in todo:
            try:
                job = shard_job(run.session, self.stage, group)
            except CacheError as error:  # it needs results that a stage outside the run has lost
                run.met(self.stage, run.session.layout.groups[group].name, error)
                continue
            jobs.append(job)
            group_of[job.shard] = group
        workers = run.start_workers()
        if jobs and workers.dashboard is not None:
            self.set_tracking_url(workers.dashboard)
        with closing(compute_shards(workers, jobs)) as outcomes:
            for done, (job, outcome) in enumerate(outcomes, start=1):
                if isinstance(outcome, Exception):
                    run.met(self.stage, job.shard, outcome)
                    continue
                run.session.committed(self.stage, group_of[job.shard])
                for listener in run.listeners:
                    listener(outcome)
                self.set_progress_percentage(100 * done / len(jobs))


class Segmentation(StageBatch):
    """Frames -> colour pieces."""

    stage = "segmentation"


class Features(StageBatch):
    """Pieces -> features for matching."""

    stage = "features"


class Matching(StageBatch):
    """Features -> matches."""

    stage = "matching"


class CoarseFlow(StageBatch):
    """Matches -> coarse flows."""

    stage = "coarse_flow"


class Refinement(StageBatch):
    """Coarse flows -> refined flows."""

    stage = "refinement"


class Synthesis(StageBatch):
    """Refined flows -> in-between frames."""

    stage = "synthesis"


class Evaluation(StageBatch):
    """In-between frames -> scores."""

    stage = "evaluation"


TASKS: dict[str, type[StageBatch]] = {
    task.stage: task
    for task in (Segmentation, Features, Matching, CoarseFlow, Refinement, Synthesis, Evaluation)
}


class RunDataset(PipelineTask):
    """A whole run: the selected stages on the selected pairs."""

    @classmethod
    def of(cls, source: str, settings: Sequence[str], run: Run) -> RunDataset:
        """The task of a run that is open."""
        selection = run.session.selection
        return cls(
            config=source,
            settings=tuple(settings),
            first=selection.first,
            last=selection.last,
            force=tuple(sorted(selection.force)),
            retry_failed=selection.retry_failed,
            limit=selection.limit,
            ids=selection.ids,
            rehash=selection.rehash,
            replace_results=selection.replace_results,
            opened=run,
        )

    def requires(self) -> Iterator[StageBatch]:
        """Every batch of every selected stage."""
        run = self.pipeline_run
        for stage in run.session.stages:
            for number in run.batches(stage):
                yield TASKS[stage](**self.shared, batch_number=number)

    def complete(self) -> bool:
        """Whether everything is done and nothing has failed."""
        session = self.pipeline_run.session
        stages = session.stages
        done = all(
            session.is_complete(stage, group)
            for stage in stages
            for group in session.layout.wanted_groups(stage)
        )
        return done and not session.failures()

    def run(self) -> None:
        """Write the results, unless who opened the run does; fail if items have failed.

        Raises
        ------
        RunFailedError
            Names the failed items.
        """
        if self.opened is None:
            write_results(self.pipeline_run)
        failures = self.pipeline_run.session.failures()
        if failures:
            listed = "\n".join(
                f"{stage} of {record.id}: {record.reason}" for stage, record in failures[:LISTED]
            )
            raise RunFailedError(f"{len(failures)} items failed\n{listed}")
