"""The networks and their weights, and the flow geometry they share; no files but weights are opened here."""

import os

# Torch asks for a new mapping for every map of some megabytes, and on Linux a mapping of small pages costs
# more time than most operators take to fill it. Huge pages cost a third. Read at the first large tensor.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
