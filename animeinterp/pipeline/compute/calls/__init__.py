"""How workers call the functions of a stage, one file per stage; `compute/registry.py` names them."""
