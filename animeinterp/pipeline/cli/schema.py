"""The command `schema`."""

from __future__ import annotations

import sys

from animeinterp.configs.schema import schema as schema_of_configs


def schema() -> None:
    """Print the JSON schema of configs, with which editors complete and check them."""
    sys.stdout.write(schema_of_configs())
