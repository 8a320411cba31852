"""What each stage computes: pure functions, arrays in, arrays out.

In order: `segmentation/`, `features.py` or `piece_descriptors.py`, `matching/`, `coarse_flow.py` or
`imported_flow.py`, `refinement.py` or `inverse_search/`, `synthesis.py` or `composite.py`, `evaluation/`.
In a folder, `__init__.py` shows the stage and the other files are its steps. `working_size.py` shrinks large
frames. `inspection/` is for looking at results; nothing that computes them uses it.
"""
