"""Spread batches over processes, and outlive those that die."""

__all__ = ("prepare_workers", "run_batches")

import logging
import multiprocessing
import multiprocessing.forkserver
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing.context import BaseContext
from typing import Any, Final

type Work[B, R] = Callable[[B], R]

_naming_main: Final = threading.Lock()

_pickled_work: bytes  # what this worker process does with a batch


def prepare_workers() -> BaseContext:
    """Begin to import what workers need, in the background.

    A fork server is started, unless there is one. `run_batches` does so too; the earlier it is done, the less
    the first batch waits.

    Returns: starts workers: by forks of that server, or by spawning where there can be none.
    """
    if sys.platform == "linux":  # the libraries of macOS have threads, which forks do not survive
        multiprocessing.set_forkserver_preload(["lsst.analysis.ap.runs._preload"])
        # The path of its socket has a place in TMPDIR, which may be too long for one.
        with suppress(OSError):
            multiprocessing.forkserver.ensure_running()
            return multiprocessing.get_context("forkserver")
    return multiprocessing.get_context("spawn")


def run_batches[B, R](
    work: Work[B, R], batches: Iterable[B], jobs: int, on_death: Work[B, R]
) -> Generator[R]:
    """Yield the result of each batch as it is ready.

    ``work``: what to do with a batch. It is pickled, so that each process makes its own connections.
    ``batches``: batches, taken when there is room: at most two for each process are in flight. ``jobs``:
    number of processes; with 1 the work is done in this one. ``on_death``: what a batch gives when the system
    killed the process that worked on it (out of memory, say) and, on a second try alone, killed it again.
    Yields: what ``work`` or ``on_death`` returned, in order of completion.
    """
    if jobs == 1:
        yield from map(work, batches)
        return
    source = iter(batches)
    lost: list[B] = []
    exhausted = False
    while not exhausted or lost:
        # After a death, each batch that was in flight is tried again alone,
        # so that only the one that kills is blamed.
        retried, lost = lost, []
        for batch in retried:
            yield from _retry(work, batch, on_death)
        with _pool(work, jobs) as pool:
            flying: dict[Future[R], B] = {}
            while not lost:
                while not exhausted and not lost and len(flying) < 2 * jobs:
                    try:
                        batch = next(source)
                    except StopIteration:
                        exhausted = True
                        break
                    try:
                        flying[_submit(pool, batch)] = batch
                    except (BrokenProcessPool, ConnectionError):  # the fork server may have died as well
                        lost.append(batch)
                if not flying:
                    break
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    batch = flying.pop(future)
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        lost.append(batch)
            lost.extend(flying.values())


def _retry[B, R](work: Work[B, R], batch: B, on_death: Work[B, R]) -> Iterator[R]:
    with _pool(work, 1) as pool:
        try:
            yield _submit(pool, batch).result()
        except BrokenProcessPool:
            yield on_death(batch)


@contextmanager
def _pool(work: Work[Any, Any], jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Keep worker processes, and leave none behind, come what may."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        jobs,
        prepare_workers(),
        initializer=_start,
        initargs=(dict(os.environ), pickle.dumps(work), *_log_form()),
    )
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _submit[B](pool: ProcessPoolExecutor, batch: B) -> Future[Any]:
    """Hand over a batch, which starts a worker where one is missing.

    A new worker would run the script again that runs here, to know what that script defines: one without ``if
    __name__ == "__main__"`` would start over in each worker. So it is not told where the script is.
    """
    with _naming_main:
        main = vars(sys.modules["__main__"])
        origin: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
        main.update(dict.fromkeys(origin))
        try:
            return pool.submit(_do, batch)
        finally:
            main.update(origin)


def _log_form() -> tuple[int, str | None]:
    """Return level and format of the log here, if it has any."""
    root = logging.getLogger()
    formats = (getattr(handler.formatter, "_fmt", None) for handler in root.handlers)
    return root.level, next(filter(None, formats), None)


def _start(environment: Mapping[str, str], work: bytes, level: int, log_format: str | None) -> None:
    global _pickled_work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # The environment of the fork server is that of the time when it was started.
    os.environ.clear()
    os.environ.update(environment)
    if log_format is None:
        logging.getLogger().setLevel(level)
    else:
        logging.basicConfig(level=level, format=log_format)
    _pickled_work = work


def _end_with_parent() -> None:
    """End this process when its parent is gone, which no queue would tell it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(batch: Any) -> Any:
    return _work()(batch)


@cache
def _work() -> Work[Any, Any]:
    work: Work[Any, Any] = pickle.loads(_pickled_work)
    return work
