"""How good the frames are: `python -m benchmarks.quality [--triplets FOLDER] [--pictures FOLDER]`.

Every method draws the middle frames of drawn pairs, and of the triplets `<id>/frame1..3` in a folder. The
demo's pairs are drawn twice: eased, as animators time their drawings and no method can know, and evenly.
Ours run as for users, through the cache; their seconds are the workers' for all stages of a pair but
evaluation, over the number of workers. Peers run in this process with as many threads, each pair twice, and
the second time counts. `peers.csv` in the folder adds the scores of methods that were run elsewhere.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from rich.console import Console

from animeinterp.configs.sections import EvaluationSection
from animeinterp.data.cartoon import CartoonTriplet, draw_triplet
from animeinterp.data.images import Frame, read_image
from animeinterp.models.arrays import Flow
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pictures import Tile, arrange
from animeinterp.pipeline.running.execute import execute
from animeinterp.pipeline.running.output_folder import frame_name
from animeinterp.stages.composite import Composite
from animeinterp.stages.evaluation import evaluate_frame
from benchmarks.peers import FloatFrame, Method, average, inverse_search_alone, rife, timed

Scores = Mapping[str, Mapping[str, float]]
"""Of a method: by triplet and name of the score."""

SCORES = ("psnr", "ssim", "chamfer")
WORKERS = 2
DRAWN_PAIRS = 6
DRAWN_SIZE = (540, 960)
WORST = 5
PICTURED = "default"
"""The method whose worst pairs are shown, beside the peers."""
BEFORE = "coarse flow as it is, averaged"
SEARCH = "refinement.method=inverse_search"
SHOWN = (BEFORE, "RIFE 4.25", PICTURED)
DOCUMENTED = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "quality.jpg"
DOCUMENTED_PAIRS = (0, 1)  # one of either style
DOCUMENTED_WIDTH = 480  # px

OURS: Mapping[str, tuple[str, ...]] = {
    BEFORE: ("refinement.method=none", "synthesis.method=blend"),
    "search, averaged": (SEARCH, "synthesis.method=blend"),
    "coarse flow as it is, composite": ("refinement.method=none",),
    "light flow, composite": ("refinement.method=light", "synthesis.method=composite"),
    "search, composite, random VGG-19": (SEARCH, "features.method=vgg19"),
    "`fast`: search without coarse flow, composite": (SEARCH, "coarse_flow.method=zero"),
    "search, composite": (SEARCH,),
    PICTURED: (),
}
"""Settings of our methods; what they leave open is what a fresh install does."""


@dataclass(frozen=True)
class Triplet:
    """A pair with its true middle frame."""

    id: str
    frame0: Frame
    truth: Frame
    frame1: Frame
    flows: tuple[Flow, Flow] | None = None
    """The exact flows of a drawn pair."""


@dataclass(frozen=True)
class Drawn:
    """What a method made of a set of triplets."""

    frames: Mapping[str, FloatFrame]
    seconds: float
    """Of a pair; nan where unknown."""


def read_triplets(folder: Path) -> list[Triplet]:
    """The triplets `<id>/frame1..3` of a folder."""
    return [
        Triplet(path.name, *(read_image(next(path.glob(f"frame{k}.*"))) for k in (1, 2, 3)))
        for path in sorted(folder.iterdir())
        if path.is_dir()
    ]


def write_drawn(root: Path, *, even_timing: bool) -> list[Triplet]:
    """Draw the demo's pairs into a folder, as any folder of triplets."""
    drawn = [draw_triplet(seed, DRAWN_SIZE, even_timing=even_timing) for seed in range(DRAWN_PAIRS)]
    return [write_triplet(root, triplet) for triplet in drawn]


def write_triplet(root: Path, drawn: CartoonTriplet) -> Triplet:
    folder = root / drawn.id
    folder.mkdir()
    for number, frame in enumerate((drawn.frame0, drawn.middle, drawn.frame1), start=1):
        Image.fromarray(frame).save(folder / f"frame{number}.png")
    return Triplet(drawn.id, drawn.frame0, drawn.middle, drawn.frame1, (drawn.flow01, drawn.flow10))


def exact(triplets: list[Triplet]) -> Drawn:
    """Our frames from exact flows: what no better flow could raise."""
    frames = {
        triplet.id: Composite(triplet.frame0, triplet.frame1, *triplet.flows).frame(0.5)
        for triplet in triplets
        if triplet.flows is not None
    }
    return Drawn(frames, np.nan)


def run_ours(root: Path, settings: tuple[str, ...], work: Path) -> Drawn:
    """Run one of our methods on a dataset; stages that methods share are computed once."""
    results = work / (" ".join(settings) or PICTURED)
    report = execute(
        "default",
        [
            f"data.root={root}",
            f"store.cache={work / 'cache'}",
            f"store.results={results}",
            f"executor.workers={WORKERS}",
            *settings,
        ],
        Selection(last="synthesis"),
        Console(quiet=True),
        quiet=True,
    )
    session = report.session
    ids = [pair.id for pair in session.manifest.pairs]
    frames = {name: read_image(results / name / frame_name(0.5)).astype(np.float32) / 255 for name in ids}
    return Drawn(frames, work_seconds(session) / WORKERS / len(ids))


def work_seconds(session: Session) -> float:
    """Working time that all results of a session took, whenever they were computed."""
    return sum(
        record.seconds
        for stage in session.stages
        for _, record in session.records(stage)
        if record is not None
    )


def run_peer(method: Method, triplets: list[Triplet]) -> Drawn:
    """Run another method in this process."""
    torch.set_num_threads(WORKERS)
    pairs = [(triplet.frame0, triplet.frame1) for triplet in triplets for _ in range(2)]
    drawn = list(timed(method, iter(pairs)))[1::2]
    frames = {triplet.id: frame for triplet, (frame, _) in zip(triplets, drawn, strict=True)}
    return Drawn(frames, sum(seconds for _, seconds in drawn) / len(drawn))


def score(drawn: Drawn, triplets: list[Triplet]) -> Scores:
    """Scores of each triplet, of frames rounded to 8 bits as files hold them."""
    section = EvaluationSection(conventional_ssim=False)
    found = {}
    for triplet in triplets:
        rounded = np.rint(drawn.frames[triplet.id] * 255).astype(np.float32) / np.float32(255)
        found[triplet.id] = evaluate_frame(rounded, triplet.truth, None, None, section)
    return found


def read_peers(path: Path) -> dict[str, Scores]:
    """Scores of `peers.csv` (columns id, method, psnr, ssim, chamfer_e5), by method and id."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as stream:
            for line in csv.DictReader(stream):
                scores = {"psnr": float(line["psnr"]), "ssim": float(line["ssim"])}
                scores["chamfer"] = float(line["chamfer_e5"]) / 1e5
                found.setdefault(line["method"], {})[line["id"]] = scores
    return dict(found)


def measure(
    root: Path, triplets: list[Triplet], settings: tuple[str, ...]
) -> Iterator[tuple[str, Drawn, Scores]]:
    """Every method on one set of triplets."""
    methods: dict[str, Method | None] = {
        "average of the frames": average,
        "OpenCV's inverse search alone": inverse_search_alone,
        "RIFE 4.25": rife(),
    }
    for name, method in methods.items():
        if method is not None:
            drawn = run_peer(method, triplets)
            yield name, drawn, score(drawn, triplets)
    if all(triplet.flows is not None for triplet in triplets):
        drawn = exact(triplets)
        yield "exact flows, composite", drawn, score(drawn, triplets)
    with TemporaryDirectory() as folder:
        ours = {**OURS, **({"with the weights given": settings} if settings else {})}
        for name, chosen in ours.items():
            drawn = run_ours(root, chosen, Path(folder))
            yield name, drawn, score(drawn, triplets)


def row(name: str, scores: Scores, seconds: float) -> str:
    """A row of the table: means over the pairs."""
    psnr, ssim, chamfer = (np.mean([found[key] for found in scores.values()]) for key in SCORES)
    took = "" if np.isnan(seconds) else f"{seconds:.2f}"
    return f"| {name} | {psnr:.2f} | {ssim:.4f} | {1e5 * chamfer:.2f} | {took} |"


def sheet(
    triplet: Triplet, drawn: Mapping[str, Drawn], scores: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> Frame:
    """The truth and what some methods made, at full size."""
    tiles = [Tile("the frame in the middle", triplet.truth)]
    for name in SHOWN:
        if name in drawn:
            picture = np.rint(drawn[name].frames[triplet.id] * 255).astype(np.uint8)
            tiles.append(Tile(f"{name}: {scores[name][triplet.id]['psnr']:.1f} dB", picture))
    rows = [tiles[start : start + 2] for start in range(0, len(tiles), 2)]
    return arrange("", rows, triplet.truth.shape[1])


def document(triplets: list[Triplet], drawn: Mapping[str, Drawn]) -> None:
    """Draw the picture of docs/quality.md: pairs beside what was made of them before and is now."""
    rows = []
    for triplet in (triplets[number] for number in DOCUMENTED_PAIRS):
        tiles = [Tile("the frame in the middle", triplet.truth)]
        for name in (BEFORE, PICTURED):
            tiles.append(Tile(name, np.rint(drawn[name].frames[triplet.id] * 255).astype(np.uint8)))
        rows.append(tiles)
    Image.fromarray(arrange("", rows, DOCUMENTED_WIDTH)).save(DOCUMENTED, quality=82)


def compare(
    title: str, root: Path, triplets: list[Triplet], settings: tuple[str, ...], pictures: Path | None
) -> dict[str, Drawn]:
    """Print the table of one set, and draw its worst pairs; what each method made."""
    drawn: dict[str, Drawn] = {}
    scores: dict[str, Scores] = read_peers(root / "peers.csv")
    sizes = {f"{triplet.truth.shape[1]}x{triplet.truth.shape[0]}" for triplet in triplets}
    print(f"## {title}: {len(triplets)} pairs of {' and '.join(sorted(sizes))}\n")
    print("| method | PSNR dB | SSIM | chamfer 1e-5 | seconds a pair |\n| --- | --- | --- | --- | --- |")
    for name, found in scores.items():
        print(row(f"{name} (peers.csv)", found, np.nan))
    for name, made, found in measure(root, triplets, settings):
        drawn[name], scores[name] = made, found
        print(row(name, found, made.seconds), flush=True)
    print()
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for triplet in sorted(triplets, key=lambda one: scores[PICTURED][one.id]["psnr"])[:WORST]:
            Image.fromarray(sheet(triplet, drawn, scores)).save(pictures / f"{triplet.id}.png")
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality")
    parser.add_argument("--triplets", type=Path, help="folder of triplets <id>/frame1..3, scored as well")
    parser.add_argument("--weights", type=Path, help="a checkpoint for refinement and synthesis")
    parser.add_argument("--pictures", type=Path, help=f"folder for the {WORST} worst pairs of each set")
    parser.add_argument("--document", action="store_true", help="draw the picture of docs/quality.md anew")
    arguments = parser.parse_args()
    settings = tuple(
        f"{stage}.weights={arguments.weights}" for stage in ("refinement", "synthesis") if arguments.weights
    )
    for title, even_timing in (("drawn, eased", False), ("drawn, evenly timed", True)):
        with TemporaryDirectory() as folder:
            triplets = write_drawn(Path(folder), even_timing=even_timing)
            drawn = compare(title, Path(folder), triplets, settings, arguments.pictures)
            if arguments.document and even_timing:
                document(triplets, drawn)
    if arguments.triplets is not None:
        compare("real", arguments.triplets, read_triplets(arguments.triplets), settings, arguments.pictures)


if __name__ == "__main__":
    main()
