"""A trial of AST text in another process, which may crash.

Run as a script, this module is that process: a small one, which imports
nothing of this package and lives as long as the texts are good.
"""

__all__ = ("try_ast_text",)

import os
import resource
import signal
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

MAX_SECONDS = 3
"""What takes AST more processor time than this is not the WCS of an image."""

MAX_WAIT = 60
"""Seconds that a trial may take for it on a machine that is busy."""

MAX_BYTES = 2**28
"""Neither is what needs more memory than this."""

SURVIVED, NO_LIBRARY = 0, 3
"""What becomes of the process, as its exit status has it; another status, or a
signal, is damage."""


def try_ast_text(text: str) -> None:
    """Let another process use a text first, and see whether it survives.

    Parameters
    ----------
    text : `str`
        Objects in AST's native text encoding, not empty.

    Raises
    ------
    ValueError
        Raised if AST crashes on it or rejects it, or takes too much time or
        memory.
    ImportError
        Raised if the other process finds no library that reads AST text.
    """
    status = _trier(os.getpid()).try_text(text)
    if status == SURVIVED:
        return
    if status == NO_LIBRARY:
        raise ImportError("a process of its own finds no library that reads the AST text of the WCS")
    if -status in (signal.SIGPROF, signal.SIGALRM, signal.SIGKILL):
        raise ValueError("AST cannot read the WCS: it does not come to an end")
    raise ValueError("AST cannot read the WCS: its text is damaged")


class _Trier:
    """A process that tries one text after the other, and its successors."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def try_text(self, text: str) -> int:
        """Return `SURVIVED`, or what the process died of."""
        with self._lock:
            is_new = self._process is None
            status = self._ask(text)
            if status != SURVIVED and not is_new:
                # It may have been ill of the texts before.
                status = self._ask(text)
            return status

    def _ask(self, text: str) -> int:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(MAX_SECONDS), str(MAX_WAIT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # an interrupt from the terminal is not for it
            )
            self._close = weakref.finalize(self, _end, self._process)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        data = text.encode()
        status = None
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(len(data).to_bytes(8, "little") + data)
                process.stdin.flush()
            status = SURVIVED if process.stdout.read(1) else process.wait()
        finally:
            if status != SURVIVED:
                # Nobody else may get its reply when this one was interrupted.
                self._process = None
                self._close()
        return status


@lru_cache(maxsize=1)
def _trier(owner: int) -> _Trier:
    """Return what belongs to this process, not to one that it was forked from."""
    return _Trier()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with suppress(BrokenPipeError), process:
        pass  # closes its pipes and waits for it


def _serve(max_seconds: float, max_wait: float) -> None:
    """Use the texts that come, until nobody sends any more."""
    try:
        library = _library()
    except ImportError:
        sys.exit(NO_LIBRARY)
    _limit_memory()
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever else is printed is no reply
    while size := int.from_bytes(requests.read(8), "little"):
        text = requests.read(size).decode()
        # The signals of these end the process.
        signal.setitimer(signal.ITIMER_PROF, max_seconds)
        signal.setitimer(signal.ITIMER_REAL, max_wait)
        _use(library, text)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        replies.write(b"y")


def _limit_memory() -> None:
    """Let this process have a little more memory than it has."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        size = int(statm.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size + MAX_BYTES, hard))


def _use(library: Any, text: str) -> None:
    """Read and use an object as this package will."""
    points = np.array([[0.1, 1000.0], [0.2, 3000.0]])
    if library.__name__ == "astshim":
        mapping = library.Channel(library.StringStream(text)).read()
        mapping.applyInverse(mapping.applyForward(points))
    else:
        lines = iter(text.splitlines())
        mapping = library.Channel(SimpleNamespace(astsource=lambda: next(lines, None))).read()
        if isinstance(mapping, library.FrameSet):
            mapping.System = "ICRS"
        mapping.tran(mapping.tran(points, True), False)


def _library() -> Any:
    try:
        return import_module("starlink.Ast")
    except ImportError:
        return import_module("astshim")


if __name__ == "__main__":
    _serve(*map(float, sys.argv[1:]))
