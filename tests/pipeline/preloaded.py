"""What the processes of `forking` begin with."""

from __future__ import annotations

import tests.pipeline.mortal_cluster  # noqa: F401
from animeinterp.pipeline.compute.warm_up import prepare_process

prepare_process(threads=1)  # a fork would not take further ones along
