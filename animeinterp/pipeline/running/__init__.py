"""Runs: Luigi tasks, Dask clusters, progress, signals and run records."""
