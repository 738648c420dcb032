"""A trial of AST text in a process of its own, which may crash.

The process is an interpreter that imports AST alone. It tries text after text, so that one costs what AST
takes for it; a copy of this process (``os.fork``) for each would cost thirty times that. After a text that
was damaged, which may have left anything behind, another is started.
"""

__all__ = ("ast_library", "read_mapping", "try_ast_text")

import atexit
import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

MAX_SECONDS = 3.0
"""What takes AST more processor time than this is not the WCS of an image."""

MAX_WAIT = 60.0
"""Seconds that a trial may take for it on a machine that is busy."""

MAX_BYTES = 2**28
"""Neither is what needs more memory than this."""

_COMMAND = [sys.executable, "-P", __file__]
_RECEIVED, _SURVIVED, _REJECTED = b".", b"+", b"-"
"""What the process says: that it has a text, and then what came of it."""


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
    or takes too much time or memory; `ImportError` if no library reads AST text; `OSError` if no other
    process can be started.
    """
    ast_library()
    with _tester.lock:
        try:
            answer = _tester.ask(text)
        except BaseException:
            _tester.stop()
            raise
        if answer == _SURVIVED:
            return
        status = _tester.stop()
    if status in (-signal.SIGPROF, -signal.SIGALRM):
        raise ValueError("AST cannot read the WCS: it does not come to an end")
    raise ValueError("AST cannot read the WCS: its text is damaged")


class _Tester:
    """The other process, which is started when there is a text."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, text: str) -> bytes:
        """Return what the process says of a text; nothing if that was its end."""
        data = text.encode()
        for _ in range(2):  # the first one may have ended since the last text
            if self._process is None:
                self._process = _start()
            questions, answers = self._process.stdin, self._process.stdout
            assert questions is not None
            assert answers is not None
            left = memoryview(len(data).to_bytes(8) + data)
            with suppress(BrokenPipeError):
                while left:
                    left = left[questions.write(left) :]
            if answers.read(1) == _RECEIVED:
                return answers.read(1)
            self.stop()
        raise OSError(f"the process that tries AST text does not start: {' '.join(_COMMAND)}")

    def stop(self) -> int | None:
        """End the process; return its exit status, if there was one."""
        if (process := self._process) is None:
            return None
        self._process = None
        process.kill()
        with process:
            return process.wait()

    def leave(self) -> None:
        """Leave the process to the one that this is a copy of."""
        if (process := self._process) is not None:
            # It ends when nobody can ask it any more.
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.returncode = 0


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        process_group=0,  # an interrupt from the terminal is for its parent
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


_tester = _Tester()


def _renew() -> None:
    global _tester
    _tester.leave()
    _tester = _Tester()


os.register_at_fork(after_in_child=_renew)
atexit.register(lambda: _tester.stop())


def serve() -> None:
    """Try the texts that come through standard input, until there are no more."""
    library = ast_library()
    for number in (signal.SIGPROF, signal.SIGALRM):  # which are inherited where they are ignored
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory()
    answers = os.dup(1)
    os.dup2(2, 1)
    questions = sys.stdin.buffer
    while size := questions.read(8):
        text = questions.read(int.from_bytes(size)).decode()
        os.write(answers, _RECEIVED)
        signal.setitimer(signal.ITIMER_REAL, MAX_WAIT)
        signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
        try:
            _use(library, text)
            answer = _SURVIVED
        except Exception:
            answer = _REJECTED
        for timer in (signal.ITIMER_REAL, signal.ITIMER_PROF):
            signal.setitimer(timer, 0)
        os.write(answers, answer)


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


if __name__ == "__main__":
    serve()
