"""CUDA C++ sources, compiled when they are first needed; see `models.cuda_kernels`."""
