"""The weights files that are known: what each is, what it needs, where it comes from.

References
----------
.. [1] torchvision's model zoo, `VGG19_Weights.IMAGENET1K_V1`: file, preprocessing, licence.
.. [2] L. Siyao et al., AnimeInterp, README of the released program: links to the checkpoint, licence.
.. [3] torchvision's model zoo, `AlexNet_Weights.IMAGENET1K_V1` and `VGG16_Weights.IMAGENET1K_V1`.
.. [4] R. Zhang et al., package `lpips` 0.1.4: heads, licence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from animeinterp.configs.found_weights import (
    ALEXNET_FILE,
    ALEXNET_HEADS_FILE,
    ANIMEINTERP_FILE,
    RELEASED,
    VGG16_FILE,
    VGG16_HEADS_FILE,
    VGG19_FILE,
)
from animeinterp.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, LPIPS_SCALE, LPIPS_SHIFT

VariantName = Literal["paper", "released", "light"]
FullVariant = Literal["paper", "released"]
SettingValue = bool | int | str

SHIPPED = Path(__file__).parents[1] / "trained" / "light.safetensors"
"""The weights that come with the program: the light networks."""

VARIANTS: Mapping[VariantName, Mapping[str, SettingValue]] = MappingProxyType(
    {
        "paper": {
            "refinement.confidence_mask": True,
            "refinement.initial_flow_additions": 1,
            "synthesis.splatting": "softmax",
        },
        "released": RELEASED,
        "light": {"refinement.method": "light", "synthesis.method": "light"},
    }
)
"""What networks need, as settings: AnimeInterp's in the paper's variant and the released program's, and the
light networks."""


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


TORCHVISION_LICENCE = "BSD 3-Clause (torchvision); trained on ImageNet, whose own terms concern its pictures"
LPIPS_PREPROCESSING = (
    f"RGB in 0..1, scaled to -1..1, less the shift {LPIPS_SHIFT}, over the scale {LPIPS_SCALE}"
)
LPIPS_HEADS = "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1"

RECORDS = (
    WeightsRecord(
        name="vgg19",
        file=VGG19_FILE,
        url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        sha256="dcbb9e9d",  # torchvision names its files by the first digits
        size=None,
        licence=TORCHVISION_LICENCE,
        variant=None,
        preprocessing=f"RGB in 0..1, less the mean {IMAGENET_MEAN}, over the deviation {IMAGENET_STD}",
        settings=("features.weights",),
    ),
    WeightsRecord(
        name="animeinterp",
        file=ANIMEINTERP_FILE,
        url="https://www.dropbox.com/s/oc8juclx1775qib/anime_interp_full.ckpt?dl=1",
        sha256="",
        size=None,
        licence="MIT (the released program); parts of the program it was trained with are non-commercial",
        variant="released",
        preprocessing="RGB in 0..1, scaled to -1..1",
        settings=("refinement.weights", "synthesis.weights"),
    ),
    WeightsRecord(
        name="alexnet",
        file=ALEXNET_FILE,
        url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        sha256="7be5be79",
        size=None,
        licence=TORCHVISION_LICENCE,
        variant=None,
        preprocessing=LPIPS_PREPROCESSING,
        settings=("evaluation.lpips_backbone",),
    ),
    WeightsRecord(
        name="lpips-alexnet",
        file=ALEXNET_HEADS_FILE,
        url=f"{LPIPS_HEADS}/alex.pth",
        sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
        size=6009,
        licence="BSD 2-Clause (lpips)",
        variant=None,
        preprocessing=LPIPS_PREPROCESSING,
        settings=("evaluation.lpips_weights",),
    ),
    WeightsRecord(
        name="vgg16",
        file=VGG16_FILE,
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
        sha256="397923af",
        size=None,
        licence=TORCHVISION_LICENCE,
        variant=None,
        preprocessing=LPIPS_PREPROCESSING,
        settings=("evaluation.lpips_backbone",),
    ),
    WeightsRecord(
        name="lpips-vgg16",
        file=VGG16_HEADS_FILE,
        url=f"{LPIPS_HEADS}/vgg.pth",
        sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
        size=7289,
        licence="BSD 2-Clause (lpips)",
        variant=None,
        preprocessing=LPIPS_PREPROCESSING,
        settings=("evaluation.lpips_weights",),
    ),
)


def record_of(digest: str) -> WeightsRecord | None:
    """The record of a file with this SHA-256, if there is one."""
    return next((record for record in RECORDS if record.sha256 and digest.startswith(record.sha256)), None)
