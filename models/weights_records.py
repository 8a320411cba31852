"""The weights files that are known: what each is, what it needs, where it comes from.

References
----------
.. [1] torchvision's model zoo, `VGG19_Weights.IMAGENET1K_V1`: file, preprocessing, licence.
.. [2] L. Siyao et al., AnimeInterp, README of the released program: links to the checkpoint, licence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from models.vgg19 import IMAGENET_MEAN, IMAGENET_STD

VariantName = Literal["paper", "released"]
SettingValue = bool | int | str

VARIANTS: Mapping[VariantName, Mapping[str, SettingValue]] = MappingProxyType(
    {
        "paper": {
            "refinement.confidence_mask": True,
            "refinement.initial_flow_additions": 1,
            "synthesis.splatting": "softmax",
        },
        "released": {
            "refinement.confidence_mask": False,
            "refinement.initial_flow_additions": 2,
            "synthesis.splatting": "average",
        },
    }
)
"""What AnimeInterp's networks were trained with, as settings: the paper's variant, the released program's."""


@dataclass(frozen=True, slots=True)
class WeightsRecord:
    """A weights file that others distribute."""

    name: str
    """What commands call it."""
    file: str
    """Its usual file name."""
    url: str
    """Where it is fetched from, over https."""
    sha256: str
    """Its SHA-256 in hexadecimal, or as many of the first digits as are known; empty = none."""
    size: int | None
    """Bytes, where known."""
    licence: str
    variant: VariantName | None
    """What it was trained with; None for networks that are the same in all variants."""
    preprocessing: str
    """What frames go through on their way into the network; done inside."""
    settings: tuple[str, ...]
    """Settings that take the file."""


RECORDS = (
    WeightsRecord(
        name="vgg19",
        file="vgg19-dcbb9e9d.pth",
        url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        sha256="dcbb9e9d",  # torchvision names its files by the first digits
        size=None,
        licence="BSD 3-Clause (torchvision); trained on ImageNet, whose own terms concern its pictures",
        variant=None,
        preprocessing=f"RGB in 0..1, less the mean {IMAGENET_MEAN}, over the deviation {IMAGENET_STD}",
        settings=("features.weights",),
    ),
    WeightsRecord(
        name="animeinterp",
        file="anime_interp_full.ckpt",
        url="https://www.dropbox.com/s/oc8juclx1775qib/anime_interp_full.ckpt?dl=1",
        sha256="",
        size=None,
        licence="MIT (the released program); parts of the program it was trained with are non-commercial",
        variant="released",
        preprocessing="RGB in 0..1, scaled to -1..1",
        settings=("refinement.weights", "synthesis.weights"),
    ),
)


def record_of(digest: str) -> WeightsRecord | None:
    """The record of a file with this SHA-256, if there is one."""
    return next((record for record in RECORDS if record.sha256 and digest.startswith(record.sha256)), None)
