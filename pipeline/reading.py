"""Results in a notebook or script, see `results/reading.py`."""

from pipeline.results.reading import Results as Results
from pipeline.results.reading import StageResults as StageResults
from pipeline.results.reading import open_cache as open_cache
from pipeline.results.reading import open_results as open_results
