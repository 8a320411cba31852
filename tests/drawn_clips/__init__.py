"""Drawn clips with exact truth, for tests and benchmarks."""
