"""Sharing work among processes that end with their parent, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import cv2


def in_processes(work: Callable[[int], None], items: Sequence[int], workers: int) -> Iterator[None]:
    """Call `work` on every item; yields after each that is done, in any order.

    Parameters
    ----------
    work
        Can be pickled where there is more than one worker.
    items
        What to call it on.
    workers
        Processes, from 1; one works in this process, in the order of the items.

    Raises
    ------
    Exception
        Whatever `work` raises; items that have not begun are then left out.
    """
    if workers == 1 or len(items) < 2:
        for item in items:
            work(item)
            yield
        return
    # Forked children of a process with threads, as Torch's and OpenCV's, may hang.
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(items)), spawned, start_worker) as pool:
        jobs = [pool.submit(work, item) for item in items]
        try:
            for job in as_completed(jobs):
                job.result()
                yield
        finally:
            pool.shutdown(cancel_futures=True)


def start_worker() -> None:
    """Leave interrupts to the parent, and end when it has been killed: the pool would wait for ever."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
