"""Light networks on held-out scenes, from several initial flows.

`python -m benchmarks.held_out --scenes FOLDER WEIGHTS ...` prints, for each weights file and each start, the
end-point error of the refined flows, over all pixels and over those that both frames show, and the PSNR of
the frames between. The rows of docs/training.md are made with it, and with `--precision` what bfloat16 costs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from animeinterp.data.cutouts import TrainingSet
from animeinterp.models.weights.light import LightNetworks, load_light
from animeinterp.pipeline.training.batches import Batch, whole_scene
from animeinterp.pipeline.training.losses import end_point_error
from animeinterp.pipeline.training.starts import searched_flows
from animeinterp.pipeline.training.validation import scene_errors

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def dis(batch: Batch) -> Tensor:
    """The flows of OpenCV's preset `medium`, cut where they are longer than the frame."""
    grey = [
        cv2.cvtColor((255 * frame[0].permute(1, 2, 0)).round().byte().numpy(), cv2.COLOR_RGB2GRAY)
        for frame in (batch.frame0, batch.frame1)
    ]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = np.stack([search.calc(*pair, None).transpose(2, 0, 1) for pair in (grey, grey[::-1])])
    return torch.from_numpy(np.clip(found, -max(found.shape), max(found.shape)))


STARTS: Mapping[str, Callable[[Batch], Tensor]] = {
    "no motion": lambda batch: torch.zeros_like(batch.start),
    "DIS": dis,
    "inverse search": lambda batch: batch.start,
}


def measure(networks: Mapping[str, LightNetworks], scenes: TrainingSet, count: int) -> None:
    """Print the table."""
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for position in range(min(count, len(scenes))):
        scene = scenes.scene(position)
        batch = whole_scene(scene, position, searched_flows(scene, exact=True))
        for start, flows_of in STARTS.items():
            started = batch._replace(start=flows_of(batch))
            distances = end_point_error(started.start, batch.truth)
            visible = float(distances[~batch.occluded].mean())
            found.setdefault(("", start), []).append((float(distances.mean()), visible, np.nan))
            for name, each in networks.items():
                with torch.inference_mode():
                    errors = scene_errors(each, started)
                row = errors["error"], errors["visible"], errors["psnr"]
                found.setdefault((name, start), []).append(row)
    print("| weights | start | end-point error px | visible pixels px | PSNR dB |")
    print("| --- | --- | --- | --- | --- |")
    for (name, start), rows in found.items():
        error, visible, psnr = np.mean(rows, axis=0)
        drawn = "" if np.isnan(psnr) else f"{psnr:.2f}"
        print(f"| {name or 'none'} | {start} | {error:.2f} | {visible:.2f} | {drawn} |")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.held_out")
    parser.add_argument("weights", nargs="+", type=Path, help="files of light networks")
    parser.add_argument("--scenes", type=Path, required=True, help="folder of held-out scenes")
    parser.add_argument("--count", type=int, default=64, help="scenes, from the first")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32", help="of the convolutions")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    networks = {path.stem: load_light(path) for path in arguments.weights}
    for both in networks.values():
        for network in both:
            network.set_precision(PRECISIONS[arguments.precision])
    measure(networks, TrainingSet(arguments.scenes), arguments.count)


if __name__ == "__main__":
    main()
