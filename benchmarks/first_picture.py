"""Draw the picture of README.md: `python -m benchmarks.first_picture [--seed N]`.

A drawn pair, a cross-fade of it, and the frame between as a fresh install draws it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from animeinterp.data.cartoon import draw_triplet
from animeinterp.pipeline.results.pictures import Tile, arrange
from benchmarks.quality import run_ours, write_triplet

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "first.jpg"
SIZE = (540, 960)
WIDTH = 480  # px, of each of the four


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_picture")
    parser.add_argument("--seed", type=int, default=0, help="seed of the drawn pair")
    parser.add_argument("--output", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    drawn = draw_triplet(arguments.seed, SIZE)
    with TemporaryDirectory() as folder:
        root = Path(folder, "pairs")
        root.mkdir()
        triplet = write_triplet(root, drawn)
        between = run_ours(root, (), Path(folder)).frames[triplet.id]
    faded = (triplet.frame0.astype(np.uint16) + triplet.frame1 + 1) // 2
    rows = [
        [Tile("first drawing", triplet.frame0), Tile("second drawing", triplet.frame1)],
        [
            Tile("cross-fade", faded.astype(np.uint8)),
            Tile("animeinterp", np.rint(between * 255).astype(np.uint8)),
        ],
    ]
    Image.fromarray(arrange("", rows, WIDTH)).save(arguments.output, quality=85)


if __name__ == "__main__":
    main()
