"""Inputs: datasets and folders of frames become a manifest; images are read; cartoons are drawn."""
