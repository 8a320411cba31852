"""Weights files: the known ones, their formats and layouts, and loading, writing and downloading them.

The files in reading order, each based on those before it:

- `records.py`: the files that others distribute, and the two variants of AnimeInterp's networks;
- `files.py`: format and digest of a file, and what it says of itself;
- `tensors.py`: its tensors by name, read and written;
- `layouts.py`: names and shapes of the tensors of each network;
- `loading.py`: a network with its weights, if the whole file fits it;
- `light.py`: both light networks in one file, as training writes it;
- `conversion.py`: what a file holds, and converting it to a file that says so;
- `download.py`: a file fetched from the address in its record.
"""
