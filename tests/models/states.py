"""The contents of weights files."""

from __future__ import annotations

from torch import Tensor

State = dict[str, Tensor]
"""Tensors by name."""
