"""The command `animeinterp`, one file per command."""
