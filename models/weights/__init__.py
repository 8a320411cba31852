"""Weights files: formats, records, download, conversion and loading."""
