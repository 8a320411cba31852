"""A long video, written in segments: pictures of a part are encoded when it is done, and joined at last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from animeinterp.configs.errors import CacheError
from animeinterp.configs.files import sha256_of
from animeinterp.data.images import write_file
from animeinterp.pipeline.clips.assembly import Assembled
from animeinterp.pipeline.clips.ffmpeg_program import version
from animeinterp.pipeline.clips.joining import join
from animeinterp.pipeline.clips.recipe import Recipe
from animeinterp.pipeline.clips.timeline import Cadence
from animeinterp.pipeline.clips.video_writer import VideoWriter
from animeinterp.pipeline.clips.writers import ClipWriter
from animeinterp.pipeline.store.fingerprints import canonical_digest

PREFIX = "film-"
DIGEST_SHOWN = 12


class Segment(BaseModel):
    """The encoded pictures of a part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    """Of the stage that drew its frames."""
    size: int
    """Bytes of its file."""
    digest: str
    """SHA-256 of its file."""
    frames: int
    """As of `Assembled`, like the others."""
    drawn: int
    mixed: int
    held: int

    @property
    def counts(self) -> Assembled:
        """Counts of its frames."""
        return Assembled(self.frames, self.drawn, self.mixed, self.held)


@dataclass(frozen=True)
class Film:
    """A video and its segments.

    Parameters
    ----------
    output
        The video.
    recipe, segment
        What it and its segments are made by.
    cadence
        When its frames are shown.
    settings
        Digest of what chooses its frames, and what is kept of them.
    """

    output: Path
    recipe: Recipe
    segment: Recipe
    cadence: Cadence
    settings: str

    def find(self, root: Path) -> Segment | None:
        """The segment in a part's folder, if it is of this film and of its full length."""
        try:
            found = Segment.model_validate_json(self._record(root).read_bytes())
            return found if self._file(root).stat().st_size == found.size else None
        except (OSError, ValidationError):
            return None

    def write(self, root: Path, fingerprint: str, fill: Callable[[ClipWriter], Assembled]) -> None:
        """Write a part's segment to its folder.

        Parameters
        ----------
        root
            The folder.
        fingerprint
            Of the stage that drew its frames.
        fill
            Gives the part's frames to a writer.

        Raises
        ------
        DataError, CacheError
            As of `fill`, or FFmpeg failed, or the folder cannot be written.
        """
        path = self._file(root)
        with VideoWriter(path, self.segment, self.cadence) as writer:
            counts = fill(writer)
            writer.finish()
        size, digest = path.stat().st_size, sha256_of(path)
        found = Segment(fingerprint=fingerprint, size=size, digest=digest, **asdict(counts))
        write_file(self._record(root), found.model_dump_json().encode())

    def join(self, roots: Sequence[Path]) -> Assembled:
        """Join the segments of all parts, in order, and add what there is beside the pictures.

        Raises
        ------
        CacheError
            A segment is damaged; the next run writes it again.
        DataError
            FFmpeg failed, or the output cannot be written.
        """
        done = Assembled()
        for root in roots:
            segment, path = self.find(root), self._file(root)
            if segment is None or sha256_of(path) != segment.digest:
                self._record(root).unlink(missing_ok=True)
                raise CacheError(f"{path}: is damaged; run the same command again, which writes it anew")
            done += segment.counts
        join([self._file(root) for root in roots], self.output, self.recipe, self.cadence)
        return done

    @property
    def _name(self) -> str:
        arguments = self.segment.encoding_arguments(self.cadence, Path("-"), "-")
        offset = str(self.segment.offset)
        made_by = canonical_digest([version(self.recipe.program), arguments, offset, self.settings])
        return PREFIX + made_by[:DIGEST_SHOWN]

    def _file(self, root: Path) -> Path:
        return root / f"{self._name}{self.segment.suffix}"

    def _record(self, root: Path) -> Path:
        return root / f"{self._name}.json"


def delete_segments(root: Path) -> None:
    """Delete the segments in a part's folder, of any film."""
    for path in root.glob(f"{PREFIX}*"):
        path.unlink(missing_ok=True)
