"""Settings of the processes that compute."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from animeinterp.configs.sections.section import (
    Section,
)

LEAST_MEMORY_GB = 1.0  # a prepared worker, libraries loaded and code compiled, was measured at 0.5


class ExecutorSection(Section):
    """Where the work is done."""

    kind: str = "local"
    """`inline` = this process; `local` = one process per core on this machine; `tcp://host:port` = a Dask
    cluster."""
    workers: int = Field(0, ge=0)
    """Processes of `local`; 0 = one per core, fewer if memory is short."""
    memory_gb: float = Field(0.0, ge=0)
    """Memory limit of each process of `local`, in 10^9 bytes, at least 1. A process that exceeds it is
    killed, and the item that it was computing is recorded as failed. 0 = the machine's memory divided by the
    workers. Workers of a cluster keep the limit they were started with."""
    threads: int = Field(1, ge=1)
    """Threads per worker for Torch and OpenCV."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Device of the networks."""
    pairs_at_once: int = Field(0, ge=0, le=1024)
    """Pairs that refinement and synthesis process at once; 0 = one on a CPU, as many as fit in memory on a
    GPU."""
    network_resource: str = ""
    """Dask resource, such as `GPU`, that a cluster's worker must offer to compute features, refinement and
    synthesis; empty = any worker."""
    other_resource: str = ""
    """Dask resource, such as `CPU`, that a cluster's worker must offer to compute the other stages; empty =
    any worker."""
    wait_minutes: float = Field(60.0, gt=0)
    """How long a run waits, if no worker of the cluster can do the work, before it ends."""
    luigid: str = ""
    """Address of a Luigi scheduler, `http://host:8082`, whose web page shows the run; empty = none."""

    @field_validator("memory_gb")
    @classmethod
    def _enough_memory(cls, memory_gb: float) -> float:
        if 0 < memory_gb < LEAST_MEMORY_GB:
            raise ValueError(
                f"{memory_gb:g} is too little: a worker needs at least {LEAST_MEMORY_GB:g} "
                "(0 = the machine's memory divided by the workers)"
            )
        return memory_gb

    @field_validator("network_resource", "other_resource")
    @classmethod
    def _resource_name(cls, name: str) -> str:
        # What `dask worker --resources "GPU=1 CPU=1"` can name.
        if not re.fullmatch(r"[^\s=,;'\"]*", name):
            raise ValueError(
                f"{name!r} is not the name of a Dask resource: expected one word such as 'GPU', without '=1'"
            )
        return name

    @field_validator("luigid")
    @classmethod
    def _web_address(cls, luigid: str) -> str:
        if luigid and not re.fullmatch(r"https?://[^\s/]+/?", luigid):
            raise ValueError(
                f"{luigid!r} is not the address of a Luigi scheduler, such as 'http://host:8082'"
            )
        return luigid

    @model_validator(mode="after")
    def _resources_of_a_cluster(self) -> Self:
        for key in ("network_resource", "other_resource"):
            if getattr(self, key) and self.kind in ("inline", "local"):
                raise ValueError(
                    f"{key} = {getattr(self, key)!r} applies only to the workers of a Dask cluster, but "
                    f"kind is {self.kind!r}; leave {key} empty, or set kind to a Dask address"
                )
        return self

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if kind not in ("inline", "local") and not re.fullmatch(r"(tcp|tls)://[^\s/]+:\d+", kind):
            raise ValueError(
                f"{kind!r} is neither 'inline', 'local' nor a Dask address such as 'tcp://host:8786'"
            )
        return kind
