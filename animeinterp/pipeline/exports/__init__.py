"""Results in the layouts of other programs."""
