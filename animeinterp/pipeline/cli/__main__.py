"""`python -m pipeline.cli`."""

from animeinterp.pipeline.cli.entry_point import main

main()
