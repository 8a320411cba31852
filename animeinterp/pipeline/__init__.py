"""The only home of Luigi, Zarr and Dask: what is cached where, who computes it, and the command line."""
