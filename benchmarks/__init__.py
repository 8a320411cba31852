"""Measured comparisons: ratios within one run, on drawn cartoons. `python -m benchmarks`."""
