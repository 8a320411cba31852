"""What each stage computes: pure functions, arrays in, arrays out.

In their order: `segmentation/`, `features.py` or `piece_descriptors.py`, `matching/`, `coarse_flow.py` or
`imported_flow.py`, `refinement.py` or `inverse_search/`, `synthesis.py` or `composite.py`, `evaluation/`.
The first file of a folder, `__init__.py`, shows the stage, the others are its steps. `working_size.py`
serves large frames. `inspection/` is for looking at results and has no part in them.
"""
