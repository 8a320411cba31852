"""What all tests go by: where the project is, and how long they wait."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
"""Real frames and reference results; no part of the project."""
PATIENCE = 120.0
"""Seconds to wait for a process, a shard or an end on a busy machine."""
