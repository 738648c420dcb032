"""Spread batches over processes, and outlive those that die."""

__all__ = ("fork_workers", "import_all", "run_batches")

import gc
import importlib
import logging
import multiprocessing
import multiprocessing.forkserver
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import lru_cache
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, Final

type Work[B, R] = Callable[[B], R]

_naming_main: Final = threading.Lock()

_MODULES: Final = (
    "lsst.analysis.ap.runs._pictures",
    "lsst.daf.butler.direct_butler",
    "matplotlib.backends.backend_agg",
)
"""What workers need: the first imports what this package does; the others are imported late."""

_DEATH_IS_KNOWN: Final = 10.0
"""Seconds after which a process that was killed is surely known to be gone."""

_forked: Final[dict[int, tuple[ProcessPoolExecutor, set[BaseProcess]]]] = {}
"""Workers that are forked and have nothing to do yet, by their number, and the processes before them."""


def import_all() -> Iterator[str]:
    """Import what workers need, and yield the name of each module that is there.

    No file is opened by it, and no connection: what a worker has of these is its own.
    """
    for name in _MODULES:
        importlib.import_module(name)
        yield name
    from ..sources import keep_pandas_out

    keep_pandas_out()
    # What is shared stays shared if no worker's garbage collector writes to it.
    gc.freeze()


def fork_workers(jobs: int) -> None:
    """Fork workers off this process, for the next `run_batches` with as many ``jobs``.

    They have its imports for nothing, where a fork server would import all of it again, and are there while
    this process opens repository and database. Only a process that has nothing open can be forked, such as a
    command that has just begun; any other gets a fork server.
    """
    if sys.platform != "linux" or threading.active_count() > 1 or "lsst.daf.butler" in sys.modules:
        prepare_workers()
        return
    for _ in import_all():
        pass
    others = set(multiprocessing.active_children())
    pool = _new_pool(jobs, multiprocessing.get_context("fork"))
    pool.submit(os.getpid)  # the first task starts all of them
    _forked[jobs] = pool, others


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
    number of processes. ``on_death``: what a batch gives when the system killed the process that worked on it
    (out of memory, say) and, on a second try alone, killed it again. Yields: what ``work`` or ``on_death``
    returned, in order of completion.
    """
    source, pickled = iter(batches), pickle.dumps(work)
    lost: list[B] = []
    exhausted = False
    while not exhausted or lost:
        # After a death, each batch that was in flight is tried again alone,
        # so that only the one that kills is blamed.
        retried, lost = lost, []
        for batch in retried:
            yield from _retry(pickled, batch, on_death)
        with _pool(jobs) as pool:
            flying: dict[Future[R], B] = {}
            while not lost:
                while not exhausted and not lost and len(flying) < 2 * jobs:
                    try:
                        batch = next(source)
                    except StopIteration:
                        exhausted = True
                        break
                    try:
                        flying[_submit(pool, pickled, batch)] = batch
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


def _retry[B, R](work: bytes, batch: B, on_death: Work[B, R]) -> Iterator[R]:
    deadline = time.monotonic() + _DEATH_IS_KNOWN
    while True:
        with _pool(1) as pool:
            try:
                future = _submit(pool, work, batch)
            except ConnectionError:
                # A fork server that was killed refuses before the system tells that it is gone.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
                continue
            try:
                yield future.result()
            except BrokenProcessPool:
                yield on_death(batch)
            return


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Keep worker processes, and leave none behind, come what may."""
    if jobs in _forked:
        pool, others = _forked.pop(jobs)
    else:
        others = set(multiprocessing.active_children())
        pool = _new_pool(jobs, prepare_workers())
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _new_pool(jobs: int, context: BaseContext) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(dict(os.environ), *_log_form()))


def _submit[B](pool: ProcessPoolExecutor, work: bytes, batch: B) -> Future[Any]:
    """Hand over a batch, which starts a worker where one is missing.

    A new worker would run the script again that runs here, to know what that script defines: one without ``if
    __name__ == "__main__"`` would start over in each worker. So it is not told where the script is.
    """
    with _naming_main:
        main = vars(sys.modules["__main__"])
        origin: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
        main.update(dict.fromkeys(origin))
        try:
            return pool.submit(_do, work, batch)
        finally:
            main.update(origin)


def _log_form() -> tuple[int, str | None]:
    """Return level and format of the log here, if it has any."""
    root = logging.getLogger()
    formats = (getattr(handler.formatter, "_fmt", None) for handler in root.handlers)
    return root.level, next(filter(None, formats), None)


def _start(environment: Mapping[str, str], level: int, log_format: str | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # The environment of the fork server is that of the time when it was started.
    os.environ.clear()
    os.environ.update(environment)
    if log_format is None:
        logging.getLogger().setLevel(level)
    else:
        logging.basicConfig(level=level, format=log_format)


def _end_with_parent() -> None:
    """End this process when its parent is gone, which no queue would tell it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(work: bytes, batch: Any) -> Any:
    return _unpickled(work)(batch)


@lru_cache(maxsize=1)
def _unpickled(work: bytes) -> Work[Any, Any]:
    found: Work[Any, Any] = pickle.loads(work)
    return found
