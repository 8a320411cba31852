"""Drawn cartoons with exact ground truth, in ATD-12K's layout, for demos, tests and benchmarks."""

from animeinterp.data.cartoon.dataset import write_dataset
from animeinterp.data.cartoon.triplet import CartoonTriplet, draw_triplet

__all__ = ["CartoonTriplet", "draw_triplet", "write_dataset"]
