"""The page that reports a run."""
