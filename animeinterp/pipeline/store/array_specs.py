"""One frozen spec for each stored array, checked on writing and reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from animeinterp.stages.piece_fates import PieceFate

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """A stored array: one entry per item of a shard."""

    name: str
    dtypes: tuple[str, ...]
    """Data types it may have; a shard has one."""
    dims: tuple[str, ...]
    """Dimensions of one item's array: `y`, `x` vary with the frame, `piece` with its pieces."""
    meaning: str
    ragged: bool = False
    """Items are stored end to end, with offsets: their first dimension varies, or they are tiny."""
    shuffle: Literal["byte", "bit"] | None = None
    """Whether like bytes or bits are put side by side before compression, whichever makes it smaller."""
    optional: bool = False
    """Whether only some methods of the stage make it."""
    flags: type[IntEnum] | None = None
    """What its values stand for, if each stands for something."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions among all arrays of an item: pieces of frame 0 and of frame 1 are two."""
        way = self.name[-2:] if self.name.endswith(("01", "10")) else ""
        return tuple(f"{name}{way}" if name == "piece" else name for name in self.dims)

    @property
    def attributes(self) -> dict[str, Any]:
        """What is to be said of it; of flags as the CF conventions have it."""
        if self.flags is None:
            return {"meaning": self.meaning}
        names = " ".join(flag.name.lower() for flag in self.flags)
        return {
            "meaning": self.meaning,
            "flag_values": [flag.value for flag in self.flags],
            "flag_meanings": names,
        }

    def check(self, array: Array) -> None:
        """Raise ValueError if an item's array does not match this spec."""
        if str(array.dtype) not in self.dtypes or array.ndim != len(self.dims):
            raise ValueError(
                f"{self.name}: {array.dtype} array of shape {array.shape}; "
                f"expected {' or '.join(self.dtypes)} with dimensions {self.dims}"
            )


def _flows(
    prefix: str, meaning: str, shuffle: Literal["byte", "bit"], *, optional: bool = False
) -> tuple[ArraySpec, ...]:
    return tuple(
        ArraySpec(
            f"{prefix}{direction}",
            ("float32",),
            ("dx_dy", "y", "x"),
            f"{meaning}, {source} px",
            shuffle=shuffle,
            optional=optional,
        )
        for direction, source in (("01", "frame 0 -> frame 1,"), ("10", "frame 1 -> frame 0,"))
    )


def _importances() -> tuple[ArraySpec, ...]:
    return tuple(
        ArraySpec(
            f"importance{direction}",
            ("float16",),
            ("y", "x"),
            f"logarithm of the weights in splatting (pixels of frame {direction[0]}), of the light network",
            shuffle="byte",
            optional=True,
        )
        for direction in ("01", "10")
    )


def _per_piece(
    name: str, dtype: str, meaning: str, flags: type[IntEnum] | None = None
) -> tuple[ArraySpec, ...]:
    return tuple(
        ArraySpec(
            f"{name}{direction}",
            (dtype,),
            ("piece",),
            f"{meaning} (pieces of frame {direction[0]})",
            ragged=True,
            flags=flags,
        )
        for direction in ("01", "10")
    )


ARRAY_SPECS: Mapping[str, tuple[ArraySpec, ...]] = MappingProxyType(
    {
        "segmentation": (
            ArraySpec(
                "label_map", ("int32",), ("y", "x"), "piece of each pixel, 0 .. pieces - 1, by ascending area"
            ),
            ArraySpec("area", ("int32",), ("piece",), "pixels", ragged=True),
            ArraySpec("centroid", ("float64",), ("piece", "x_y"), "mean position, px", ragged=True),
            ArraySpec(
                "box",
                ("int32",),
                ("piece", "corner"),
                "x_min, y_min, x_max, y_max, inclusive, px",
                ragged=True,
            ),
        ),
        "features": (
            ArraySpec(
                "piece_features",
                ("float32",),
                ("piece", "channel"),
                "features of a piece, 0 or more, sum 1",
                ragged=True,
            ),
        ),
        "matching": (
            *_per_piece("match", "int32", "best piece of the other frame"),
            *_per_piece("rank_sum", "int32", "rank of the match plus rank back, 0 = mutual best"),
            *_per_piece("score", "float32", "affinity of the match"),
            ArraySpec(
                "affinity",
                ("float32",),
                ("piece0_piece1",),
                "affinity matrix, row by row; empty unless matching.keep_affinity",
                ragged=True,
                shuffle="byte",
            ),
        ),
        "coarse_flow": (
            *_flows("coarse_flow", "piece-wise flow", "byte"),
            *_per_piece("fate", "uint8", "why the piece moved or not; empty without matches", PieceFate),
        ),
        "refinement": (
            *_flows("refined_flow", "refined flow", "bit"),
            *_importances(),
            *_flows("start_flow", "flow that the light network started from", "bit", optional=True),
        ),
        "synthesis": (
            ArraySpec(
                "frames",
                ("uint8", "float16", "uint16"),
                ("time", "y", "x", "rgb"),
                "in-between frames, 0..255, 0..1 or 0..65535, or scene-linear half floats",
            ),
        ),
        "evaluation": (
            ArraySpec(
                "scores",
                ("float64",),
                ("metric",),
                "stages.metrics.METRICS in their order; nan = not scored",
                ragged=True,
            ),
        ),
    }
)


def check_item(stage: str, arrays: Mapping[str, Array]) -> None:
    """Check that one item's arrays are those of the stage; optional ones may be missing.

    Raises
    ------
    ValueError
        A variable is missing, unexpected, or does not match its spec.
    """
    expected = {variable.name: variable for variable in ARRAY_SPECS[stage]}
    required = {name for name, variable in expected.items() if not variable.optional}
    if not required <= arrays.keys() <= expected.keys():
        raise ValueError(f"{stage}: arrays {sorted(arrays)}; expected {sorted(required)}")
    for name, array in arrays.items():
        expected[name].check(np.asarray(array))
