"""The types of a stage's entry in the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.store.array_specs import Array

if TYPE_CHECKING:
    from animeinterp.stages.pair_batch import Hints

Unit = Literal["frame", "pair"]
FrameInput = Literal["content", "size", "nothing"]
Compute = Callable[[ItemSource, Config], dict[str, Array]]

CALLS = f"{__package__}.calls"
KEPT = 6  # networks kept in a process: those of one run, and of a second one in a notebook


def late(name: str) -> Callable[[], Any]:
    """A function that gets `module.name` of `pipeline/compute/calls/`.

    Looking at results then takes no time for Torch, Numba and OpenCV, which the stages need.
    """
    return partial(_work, *name.split("."))


def _work(module: str, name: str) -> Any:
    return getattr(import_module(f"{CALLS}.{module}"), name)


class NetworkPair(NamedTuple):
    """A pair at the size at which a network processes it."""

    pair: Any
    """Two frames and two flows, in the form that the stage takes."""
    size: tuple[int, int]
    """Original height and width of its frames."""
    times: tuple[float, ...] = ()
    """Times of the frames to make."""
    hints: Hints | None = None
    """Of the light refinement, for the light synthesis."""
    brightest: float = 1.0
    """The scene-linear value that 1 stands for in what the frames are drawn from."""


@dataclass(frozen=True, slots=True)
class Together:
    """How a stage computes several items at once, of one size and at the same times."""

    read: Callable[[ItemSource, Config], NetworkPair]
    """An item's inputs."""
    compute: Callable[[Sequence[NetworkPair], Config], list[dict[str, Array]]]
    """The arrays of each."""


@dataclass(frozen=True, slots=True)
class Network:
    """The network of a method."""

    stage: str
    weights: tuple[str, ...]
    """Settings of the stage that name its weights files."""
    build: Callable[[], Callable[..., Any]]
    """Gets the function that makes the network from the paths of these files and from `options`, by name."""
    options: tuple[str, ...] = ()
    """Settings of the stage that it depends on."""
    random: bool = False
    """Whether it can be made without weights."""
    shipped: Path | None = None
    """Weights file of the program, used where no other is given."""

    def paths(self, config: Config) -> dict[str, Path]:
        """The weights files that it uses, by setting."""
        section = getattr(config, self.stage)
        given = {name: getattr(section, name) or self.shipped for name in self.weights}
        return {name: path for name, path in given.items() if path is not None}

    def load(self, config: Config) -> Any:
        """The network, ready on the device; None if it needs weights and there are none.

        Loaded once per process and kept.

        Raises
        ------
        WeightsError
            The weights file does not fit.
        """
        paths = tuple(self.paths(config).values())
        if not paths and not self.random:
            return None
        section = getattr(config, self.stage)
        options = tuple((name, getattr(section, name)) for name in self.options)
        changed = tuple(path.stat().st_mtime_ns for path in paths if path.exists())
        return _load(self.build(), paths, changed, options, config.executor.device)


@lru_cache(KEPT)
def _load(
    build: Callable[..., Any],
    paths: tuple[Path, ...],
    changed: tuple[int, ...],  # noqa: ARG001 - a changed file is loaded anew
    options: tuple[tuple[str, Any], ...],
    device: str,
) -> Any:
    return build(*paths, **dict(options)).to(device)


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method of a stage."""

    version: int
    """Increased whenever its results change, so that cached results of earlier versions are not used."""
    work: Callable[[], Compute | Together]
    """Gets its code."""
    reads: tuple[str, ...] = ()
    """Earlier stages that it reads; those that work on frames for each frame of the item."""
    reads_if_made: tuple[str, ...] = ()
    """Earlier stages that it also reads if those in `reads` depend on them."""
    frames: FrameInput = "content"
    """The properties of the source frames that its results depend on."""
    imports: bool = False
    """Whether it reads the flow files in `coarse_flow.imported_from`."""
    network: Network | None = None


@dataclass(frozen=True, kw_only=True)
class StageBinding(Method):
    """A stage under a config: `reads` holds all stages that are read."""

    name: str
    unit: Unit

    def compute(self, item: ItemSource, config: Config) -> dict[str, Array]:
        """The arrays of one item."""
        work = self.work()
        if isinstance(work, Together):
            return work.compute([work.read(item, config)], config)[0]
        return work(item, config)


@dataclass(frozen=True, slots=True)
class StageEntry:
    """Everything that the pipeline needs to know about a stage."""

    name: str
    unit: Unit
    methods: Mapping[str, Method]
    """By the value of its setting `method`; a stage without this setting has one method, `""`."""
    timed: bool = False
    """Whether it makes a result for each time."""
    against_truth: bool = False
    """Whether it compares results with the truth; then it reads only those with a truth."""
    networked: bool = False
    """Whether networks are most of its work: it goes to workers that offer `executor.network_resource`."""

    def units(self, count: int) -> str:
        """`frame`, `frames`, `pair` or `pairs`."""
        return self.unit if count == 1 else f"{self.unit}s"

    def bind(self, method: str, made: Set[str]) -> StageBinding:
        """The stage under a method, in a run in which the stages in `made` come before it."""
        chosen = self.methods[method]
        more = tuple(stage for stage in chosen.reads_if_made if stage in made)
        return StageBinding(**{**vars(chosen), "reads": chosen.reads + more}, name=self.name, unit=self.unit)
