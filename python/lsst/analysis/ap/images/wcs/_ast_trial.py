"""A trial of AST text in a process of its own, which may crash.

The process is a copy of this one (``os.fork``): it costs some milliseconds and needs to import nothing. It
does nothing but the trial, so that threads of this process, which it does not have, are not missed.
"""

__all__ = ("ast_library", "read_mapping", "try_ast_text")

import faulthandler
import os
import resource
import signal
import threading
import warnings
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

MAX_SECONDS = 3.0
"""What takes AST more processor time than this is not the WCS of an image."""

MAX_WAIT = 60.0
"""Seconds that a trial may take for it on a machine that is busy."""

MAX_BYTES = 2**28
"""Neither is what needs more memory than this."""

_filters = threading.Lock()
"""Held where the filters of warnings, which threads share, are others."""


def _renew_lock() -> None:
    """Leave the lock to the process that this one is a copy of."""
    global _filters
    _filters = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)

SURVIVED, REJECTED = 0, 1
"""What becomes of the process, as its exit status has it; a signal is damage."""


def ast_library() -> Any:
    """Return the library that reads AST text.

    Returns: ``starlink.Ast``, or ``astshim`` of the LSST stack. Raises `ImportError` if neither is installed.
    """
    for name in ("starlink.Ast", "astshim"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ImportError(
        "no library reads the AST text of the WCS; install starlink-pyast, or use the LSST stack"
    )


def read_mapping(library: Any, text: str) -> Any:
    """Read an object.

    ``library``: what `ast_library` returns. ``text``: the object in AST's native text encoding.
    """
    if library.__name__ == "astshim":
        return library.Channel(library.StringStream(text)).read()
    lines = iter(text.splitlines())
    return library.Channel(SimpleNamespace(astsource=lambda: next(lines, None))).read()


def try_ast_text(text: str) -> None:
    """Let another process use a text first, and see whether it survives.

    ``text``: objects in AST's native text encoding. Raises `ValueError` if AST crashes on it or rejects it,
    or takes too much time or memory; `ImportError` if no library reads AST text.
    """
    library = ast_library()
    parent = os.getpid()
    try:
        with _filters, warnings.catch_warnings():
            # Python warns of threads, whose locks the copy may find taken for
            # ever. It takes none but those that Python sees to.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
            if process == 0:
                _try(library, text)
    finally:
        # Whatever interrupts the copy, it must not go on as if it were this one.
        if os.getpid() != parent:
            os._exit(REJECTED)
    try:
        _, status = os.waitpid(process, 0)
    except BaseException:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        raise
    exit_code = os.waitstatus_to_exitcode(status)
    if -exit_code in (signal.SIGPROF, signal.SIGALRM):
        raise ValueError("AST cannot read the WCS: it does not come to an end")
    if exit_code != SURVIVED:
        raise ValueError("AST cannot read the WCS: its text is damaged")


def _try(library: Any, text: str) -> NoReturn:
    """Use a text and end the process."""
    status = REJECTED
    try:
        # The signals of the timers end the process, whoever used them before;
        # an interrupt from the terminal is for its parent.
        for number in (signal.SIGPROF, signal.SIGALRM, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, MAX_WAIT)
        signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
        faulthandler.disable()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _limit_memory()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        _use(library, text)
        status = SURVIVED
    finally:
        os._exit(status)


def _limit_memory() -> None:
    """Let this process have a little more memory than it has."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        size = int(statm.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = size + MAX_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))


def _use(library: Any, text: str) -> None:
    """Read and use an object as this package will."""
    mapping = read_mapping(library, text)
    points = np.array([[0.1, 1000.0], [0.2, 3000.0]])
    if library.__name__ == "astshim":
        mapping.applyInverse(mapping.applyForward(points))
        return
    _apply(mapping, points)
    if isinstance(mapping, library.FrameSet):
        mapping.System = "ICRS"
        _apply(mapping, points)


def _apply(mapping: Any, points: Any) -> None:
    mapping.tran(mapping.tran(points, True), False)
