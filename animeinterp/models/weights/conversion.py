"""Looking into weights files, and converting them to files that say what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.names import own_command
from animeinterp.models.weights.files import (
    Format,
    file_digest,
    format_of,
    read_header,
    stated_variant,
)
from animeinterp.models.weights.layouts import LPIPS_PARTS, RFR_PREFIX, Part, layout_of, misfit
from animeinterp.models.weights.records import VARIANTS, FullVariant, VariantName, WeightsRecord, record_of
from animeinterp.models.weights.tensors import read_state, write_tensors

ENDING = ".safetensors"


class Examined(NamedTuple):
    """What a weights file is found to be."""

    format: Format
    parts: tuple[Part, ...]
    """Networks in it; empty where no name is known."""
    variant: VariantName | None
    sha256: str
    record: WeightsRecord | None
    source_sha256: str
    """Digest of the file it was converted from; empty for all others."""
    problems: list[str]
    """Every name missing, too many or of another shape, and every tensor that is not finite."""


def examine(path: Path) -> Examined:
    """Look at everything in a weights file.

    Raises
    ------
    WeightsError
        No readable file, a damaged one, or one with something else in it than names and float tensors.
    """
    digest = file_digest(path)
    state = read_state(path)
    layout = layout_of(state)
    found = misfit(state, layout.shapes)
    problems = [
        *(f"missing: {name}" for name in found.missing),
        *(f"surplus: {name}" for name in found.surplus),
        *(f"of another shape: {change}" for change in found.reshaped),
        *(f"not finite: {name}" for name, value in state.items() if not value.isfinite().all()),
    ]
    return Examined(
        format_of(path),
        layout.parts,
        stated_variant(path, digest),
        digest,
        record_of(digest),
        read_header(path).get("source_sha256", ""),
        problems,
    )


def convert(
    source: Path,
    target: Path,
    variant: FullVariant | None = None,
    part: Part | None = None,
    *,
    overwrite: bool = False,
) -> Examined:
    """Write the networks of a weights file to a file that holds tensors only and says what they are.

    Parameters
    ----------
    source
        Any file that `examine` finds no fault with.
    target
        `*.safetensors`; appears whole or not at all.
    variant
        What the networks were trained with; None takes what `source` says, if it does.
    part
        Only this network; None takes all.
    overwrite
        Whether an existing file is replaced.

    Returns
    -------
    Examined
        The new file.

    Raises
    ------
    WeightsError
        `source` has faults, lacks `part` or says that it is of another variant; `target` exists, has another
        ending or cannot be written.

    Notes
    -----
    Values are kept bit by bit, in their own precision. VGG-19's classifier is left out.
    """
    if target.suffix != ENDING:
        raise WeightsError(f"{target}: ends in {target.suffix!r}, expected {ENDING!r}")
    if target.exists() and not overwrite:
        raise WeightsError(f"{target}: exists already; choose another name, or allow it to be overwritten")
    found = examine(source)
    if found.problems or not found.parts:
        problem = found.problems[0] if found.parts else "none of its names is known"
        raise WeightsError(
            f"{source}: contains no complete network ({problem}); see '{own_command('weights', 'verify')}'"
        )
    if found.parts[0] in (*LPIPS_PARTS, "light"):
        raise WeightsError(f"{source}: contains {found.parts[0]}, which needs no conversion")
    if part is not None and part not in found.parts:
        raise WeightsError(f"{source}: holds {' and '.join(found.parts)}, and no {part}; choose one of those")
    if variant and found.variant and variant != found.variant:
        raise WeightsError(f"{source}: is of variant {found.variant}, and {variant} was asked for")
    parts = found.parts if part is None else (part,)
    _write(source, target, parts, variant or found.variant, found.source_sha256 or found.sha256)
    return examine(target)


def _write(
    source: Path, target: Path, parts: tuple[Part, ...], variant: VariantName | None, source_sha256: str
) -> None:
    state = read_state(source)
    prefix = layout_of(state).prefix
    tensors: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        own: Part = _part_of(name, prefix)
        if own in parts and not name.startswith("classifier."):
            bare_rfr = own == "rfr" and not prefix
            tensors[RFR_PREFIX + name if bare_rfr else name] = value.contiguous().clone()
    header: dict[str, Any] = {"networks": parts, "source_sha256": source_sha256}
    if variant is not None and parts != ("vgg19",):
        header |= {"variant": variant, "trained_with": dict(VARIANTS[variant])}
    write_tensors(target, tensors, header)


def _part_of(name: str, prefix: str) -> Part:
    beginning = name.split(".")[0]
    if beginning in ("features", "classifier"):
        return "vgg19"
    return "synthesis" if prefix and not name.startswith(prefix) else "rfr"
