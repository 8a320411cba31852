"""The command `animeinterp`, one file a command."""
