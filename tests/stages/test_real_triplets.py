"""Frames of a few real triplets, which are no part of the project, against plain optical flow on them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.loading import load_config
from animeinterp.data.images import read_image
from animeinterp.stages.coarse_flow import generate_coarse_flow
from animeinterp.stages.composite import Composite
from animeinterp.stages.evaluation import evaluate_frame
from animeinterp.stages.inverse_search import search_flows
from animeinterp.stages.matching import match_pieces
from animeinterp.stages.piece_descriptors import describe_by_appearance
from animeinterp.stages.segmentation import segment


@pytest.mark.parametrize("name", ["Japan_v12_006", "Japan_v12_008", "Japan_v7_012", "Japan_v7_016"])
def test_frames_without_weights_are_better_than_plain_optical_flow(shared_triplets: Path, name: str) -> None:
    config = load_config("paper")
    frame0, truth, frame1 = (read_image(shared_triplets / name / f"frame{k}.png") for k in (1, 2, 3))
    pieces = [segment(frame, config.segmentation.anime) for frame in (frame0, frame1)]
    features = [
        describe_by_appearance(frame, found) for frame, found in zip((frame0, frame1), pieces, strict=True)
    ]
    matching = match_pieces(*features, *pieces, config.matching)
    coarse = generate_coarse_flow(frame0, frame1, *pieces, matching, config.coarse_flow)
    label_maps = [found.label_map for found in pieces]
    flows = search_flows(frame0, frame1, coarse.flow01, coarse.flow10, label_maps)
    drawn = Composite(frame0, frame1, *flows).frame(0.5).astype(np.float32)
    ours = evaluate_frame(drawn, truth, None, None, config.evaluation)
    theirs = _peer(shared_triplets / "peers.csv", name, "dis")
    assert ours["psnr"] > float(theirs["psnr"])
    assert ours["ssim"] > float(theirs["ssim"])
    assert 1e5 * ours["chamfer"] < 0.9 * float(theirs["chamfer_e5"])


def _peer(path: Path, name: str, method: str) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return next(row for row in csv.DictReader(stream) if (row["id"], row["method"]) == (name, method))
