"""`python -m pipeline.cli`."""

from pipeline.cli.entry_point import main

main()
