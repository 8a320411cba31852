"""Interpolation of a clip: scan it, run the stages on its pairs part by part, and write the output clip."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

from rich.console import Console

from animeinterp.configs.errors import DataError
from animeinterp.configs.loading import load_config, set_options
from animeinterp.configs.sections import Config
from animeinterp.data.clips.changes import scan_clip
from animeinterp.data.clips.clip import Clip
from animeinterp.data.clips.clip_scan import ClipScan, scan_key
from animeinterp.pipeline.clips.assembly import Assembled, Assembly, Betweens
from animeinterp.pipeline.clips.film import Film, delete_segments
from animeinterp.pipeline.clips.kept_results import (
    RECORD_NAME,
    FinishedPart,
    Keeping,
    read_finished,
    record_finished,
)
from animeinterp.pipeline.clips.parts import LAST_STAGE, ClipPart, Drawings, divide, sources_of
from animeinterp.pipeline.clips.rehearsal import can_be_joined
from animeinterp.pipeline.clips.source_frames import ClipFrames, clip_folder
from animeinterp.pipeline.clips.timeline import Timeline
from animeinterp.pipeline.clips.writers import ClipWriter, Output
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.describe_stages import describe_stages
from animeinterp.pipeline.planning.precision import decide_precision
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.running.execute import execute
from animeinterp.pipeline.running.progress import RunProgress
from animeinterp.pipeline.store.acceptances import read_acceptances
from animeinterp.pipeline.store.fingerprints import canonical_digest
from animeinterp.pipeline.store.shards import DamagedShardError
from animeinterp.pipeline.store.verification import verify_and_note

Advance = Callable[[int], None]
Results = Mapping[Drawings, ItemSource | None]
"""Where the results of each pair are; None = it failed."""


@dataclass
class ClipWork:
    """The interpolation of one clip.

    Parameters
    ----------
    clip
        What to interpolate.
    source, settings
        The config as `load_config` takes it.
    config
        The same, loaded.
    """

    clip: Clip
    source: str
    settings: Sequence[str]
    config: Config
    console: Console
    quiet: bool = False
    retry_failed: bool = False
    failures: list[str] = field(default_factory=list)
    """Frames that could not be read and pairs that failed, with the reason."""
    example: list[str] = field(default_factory=list)
    """A command that shows a pair, once pairs were computed whose results are kept."""
    film: Film | None = None
    """The output, if it is written part by part."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that the clip's frames depend on."""
        return self.clip.digest()

    @property
    def cache(self) -> Path:
        """`store.cache`, absolute."""
        return self.config.store.cache.absolute()

    @property
    def folder(self) -> Path:
        """Cache folder of the clip."""
        return clip_folder(self.cache, self.clip.name, self.digest)

    @property
    def _needed(self) -> frozenset[str]:
        """Stages whose results the output is written from."""
        return frozenset((LAST_STAGE, "refinement") if self.clip.has_alpha else (LAST_STAGE,))

    @property
    def kept(self) -> frozenset[str] | None:
        """Stages whose results stay when a part is done, until the output is complete; None = all."""
        if self._keeping is None:
            return None
        return self._keeping.until_written if self.film is None else self._keeping.after

    @cached_property
    def _keeping(self) -> Keeping | None:
        return Keeping.of(self.config.clip.keep, self._needed)

    @cached_property
    def _fingerprint(self) -> str:
        config = decide_precision(self.config, record=False)
        resolve = read_acceptances(self.cache, STAGES).resolve
        return describe_stages(config, LAST_STAGE, resolve)[LAST_STAGE].fingerprint

    def scan(self) -> ClipScan:
        """The scan of the clip, from the cache if it is there.

        Raises
        ------
        DataError
            Fewer than two frames could be read.
        """
        path, section = self.folder / "scan", self.config.clip
        key = scan_key(self.digest, section.repeat_threshold, section.cut_threshold)
        known = ClipScan.load(path, key)
        if known is None:
            with self._progress("scanning", self.clip.expected_frames) as advance:
                known = scan_clip(self.clip, section, lambda _: advance(1))
            known.save(path, key)
        if len(known.starts) < 2:
            what = "; ".join(known.problems)
            raise DataError(
                f"{self.clip.sources[0]}: {len(known.starts)} frame could be read, and two are needed to "
                f"make one between them{': ' + what if what else ''}"
            )
        self.failures += known.damage
        return known

    def film_of(self, output: Path, target: Output, timeline: Timeline) -> Film | None:
        """The output as a film of several parts; None if it is written at once."""
        recipe, cadence = target.recipe, timeline.plan.cadence
        segment = recipe.segment if recipe and len(self.parts(timeline)) > 1 else None
        if recipe is None or segment is None or not can_be_joined(segment, recipe, cadence):
            return None
        section = self.config.clip
        key = scan_key(self.digest, section.repeat_threshold, section.cut_threshold)
        chosen = section.model_dump(mode="json", exclude={"ffmpeg", "sound"})
        return Film(output, recipe, segment, cadence, canonical_digest([key, chosen, timeline.to_the_end]))

    def parts(self, timeline: Timeline) -> list[ClipPart]:
        """The parts in which the pairs of the clip are worked on."""
        return divide(timeline.plan, self.config.clip.pairs_per_part, self.clip.size)

    def compute(self, frames: ClipFrames, timeline: Timeline) -> Results:
        """Run the stages on all pairs, part by part; return the location of each pair's results.

        A film's segments are written, too, which need the results no more.

        Raises
        ------
        AnimeInterpError
            Settings, weights or cache are unusable, or FFmpeg failed. Failed pairs are listed in `failures`
            instead.
        KeyboardInterrupt
            What was committed stays.
        """
        parts, assembly = self.parts(timeline), Assembly(self.clip, timeline)
        sources: dict[Drawings, ItemSource | None] = {}
        started, computed = time.monotonic(), 0
        for part, after in zip_longest(parts, parts[1:]):
            later = set(after.files() if after else ())
            if not self.is_encoded(part, frames):
                finished = self.finished(part, frames)
                if finished is None:
                    each = (time.monotonic() - started) / computed if computed else 0.0
                    self._announce(part, parts, each)
                    found = self._computed(part, frames)
                    computed += len(part.times)
                else:
                    found = finished.sources(part, self.cache)
                if self.film is None:
                    sources.update(found)
                else:
                    self._encode(self.film, part, frames, found, assembly)
            if self._keeping and self.is_encoded(part, frames):
                self._keeping.forget(self.finished(part, frames), self.cache)
                frames.discard(set(part.files()) - later)
            elif self._keeping and self.finished(part, frames) and not self.clip.has_alpha:
                frames.discard(set(part.indices()) - later)
        return sources

    def is_encoded(self, part: ClipPart, frames: ClipFrames) -> bool:
        """Whether a film has the segment of a part all of whose pairs are done."""
        segment = None if self.film is None else self.film.find(part.root(frames))
        return segment is not None and not segment.held and segment.fingerprint == self._fingerprint

    def _computed(self, part: ClipPart, frames: ClipFrames) -> Results:
        """Run the stages on a part; record that it is done, and delete what is not needed any more."""
        session = self.run(part, frames)
        found = sources_of(session, part)
        if self._keeping and record_finished(part.root(frames), session, found, self._needed):
            self._keeping.prune(session)
        return found

    def _encode(
        self, film: Film, part: ClipPart, frames: ClipFrames, sources: Results, assembly: Assembly
    ) -> None:
        frames.write(part.files() if self.clip.has_alpha else part.mixed_indices(), lambda _: None)
        with self._progress("writing", len(part.shown)) as advance, self._noting_damage():
            film.write(
                part.root(frames),
                self._fingerprint,
                lambda writer: assembly.write(part.shown, self._betweens(frames, sources), writer, advance),
            )

    def _betweens(self, frames: ClipFrames, sources: Results) -> Betweens:
        return Betweens(frames, sources, self.config.synthesis, self.clip.has_alpha)

    @contextmanager
    def _noting_damage(self) -> Iterator[None]:
        """Note which results are damaged, so that the next run computes them again."""
        try:
            yield
        except DamagedShardError as error:
            verify_and_note(error.path)
            raise

    def finished(self, part: ClipPart, frames: ClipFrames) -> FinishedPart | None:
        """The record of a part that is done, of which only what the output needs is left."""
        root = part.root(frames)
        if self._keeping is None or not (root / RECORD_NAME).is_file():
            return None
        return read_finished(root, self._fingerprint, self.cache)

    def _clean_up(self, frames: ClipFrames, timeline: Timeline) -> None:
        """Delete, when the output is complete, what `clip.keep` does not name."""
        roots = [part.root(frames) for part in self.parts(timeline)]
        for root in roots:
            delete_segments(root)
        if self._keeping is None:
            return
        for part in self.parts(timeline):
            self._keeping.forget(self.finished(part, frames), self.cache)
        samples = (self.folder / "parts").glob("0000-*")
        for folder in (self.folder / "frames", *samples, *(() if self._keeping.after else roots)):
            shutil.rmtree(folder, ignore_errors=True)

    def run(self, part: ClipPart, frames: ClipFrames) -> Session:
        """Run the stages on the pairs of a part; return the session, with all that is done.

        Raises
        ------
        AnimeInterpError, KeyboardInterrupt
            As of `compute`.
        """
        with self._progress("frames", len(part.files())) as advance:
            frames.write(part.files(), advance)
        settings = [*self.settings, *part.list_pairs(frames)]
        selection = Selection(last=LAST_STAGE, retry_failed=self.retry_failed)
        if not self.example and self._keeping is None:
            first = part.pair_id(frames.name, next(iter(part.times)))
            self.example = ["animeinterp", "inspect", first, "-c", self.source, *set_options(settings)]
        report = execute(self.source, settings, selection, self.console, quiet=self.quiet)
        failed = report.session.failures()
        self.failures += [f"{stage} of {record.id}: {record.reason}" for stage, record in failed]
        self.failures += report.broken
        return report.session

    def look_at(self, part: ClipPart, frames: ClipFrames) -> Session:
        """What is done of a part whose frames have been written."""
        config = load_config(self.source, [*self.settings, *part.list_pairs(frames)])
        selection = Selection(last=LAST_STAGE, retry_failed=self.retry_failed)
        return Session.open(config, selection, look_only=True)

    def assemble(self, frames: ClipFrames, timeline: Timeline, sources: Results, target: Output) -> Assembled:
        """Write the clip; then delete what is not to be kept, unless a pair failed.

        Raises
        ------
        DataError, CacheError
            Its sources have changed or are damaged, or the output cannot be written.
        """
        if self.film is None:
            done = self._write(frames, timeline, sources, target.writer(timeline.plan.cadence))
        else:
            roots = [part.root(frames) for part in self.parts(timeline)]
            with self._progress("joining", 1) as advance:
                done = self.film.join(roots)
                advance(1)
        if not done.held:
            self._clean_up(frames, timeline)
        return done

    def _write(
        self, frames: ClipFrames, timeline: Timeline, sources: Results, writer: ClipWriter
    ) -> Assembled:
        plan = timeline.plan
        shown = [*plan.mixed, *(plan.times if self.clip.has_alpha else ())]
        frames.write(sorted({index for both in shown for index in both}), lambda _: None)
        every, betweens = range(plan.cadence.count), self._betweens(frames, sources)
        with self._noting_damage(), self._progress("writing", len(every)) as advance, writer:
            done = Assembly(self.clip, timeline).write(every, betweens, writer, advance)
            writer.finish()
        return done

    def _announce(self, part: ClipPart, parts: Sequence[ClipPart], each: float) -> None:
        """Say which part comes, and when the last is done, if a pair takes so many seconds."""
        if self.quiet or len(parts) == 1:
            return
        done = sum(len(other.times) for other in parts[: part.number - 1])
        left = sum(len(other.times) for other in parts) - done
        seconds = round(each * left)
        about = f", about {timedelta(seconds=seconds)} left" if seconds else ""
        self.console.print(
            f"part {part.number} of {len(parts)}: pairs {done + 1} to {done + len(part.times)} "
            f"of {done + left}{about}",
            highlight=False,
            soft_wrap=True,
        )

    @contextmanager
    def _progress(self, what: str, total: int) -> Iterator[Advance]:
        began = time.monotonic()
        with RunProgress(self.console, {what: total}, quiet=self.quiet) as progress:
            yield lambda count: progress.advance(what, count, seconds=time.monotonic() - began)
