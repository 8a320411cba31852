"""Weights files: which are known, how they are laid out, read, loaded, written and fetched.

In the order to read them, each resting on those before:

- `records.py`: the files that others distribute, and the two variants of AnimeInterp's networks;
- `files.py`: a file on the disk, its format and digest; tensors by name in and out;
- `layouts.py`: the names and shapes that the tensors of each network have;
- `loading.py`: a network with its weights, where all of a file fits;
- `light.py`: both light networks in one file, as training writes it;
- `conversion.py`: what a file holds, and the same in a file that says so;
- `download.py`: a file fetched from where its record says.
"""
