"""A look at AST text before AST itself sees it."""

__all__ = ("check_ast_text",)

import faulthandler
import os
import re
import resource
import signal
import time
import warnings
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

MAX_SECONDS = 3
"""What takes AST more processor time than this is not the WCS of an image."""

MAX_WAIT = 60
"""Seconds that a child may take for it on a machine that is busy."""

MAX_BYTES = 2**28
"""Neither is what needs more memory than this."""

LINE = re.compile(
    r"""\s*(?:
        (?P<word>Begin|End|IsA)\s+(?P<name>[A-Za-z]\w*)
        |(?P<key>[A-Za-z]\w*)\s*=\s*(?P<value>"(?:[^"]|"")*"|[^\s"\#]*)
    )?\s*(?:\#.*)?""",
    re.VERBOSE | re.ASCII,
)
"""A line of an AST Channel: the begin or end of an object or of the part that
belongs to one of its classes, or an attribute, or an object that follows."""


def check_ast_text(text: str) -> None:
    """Check that a text may be given to AST.

    AST trusts what it reads; some damaged texts make it crash the process.

    Parameters
    ----------
    text : `str`
        Objects in AST's native text encoding.

    Raises
    ------
    ValueError
        Raised if it cannot have been written by AST: a line has another form,
        the ends of objects do not match their beginnings, or it crashes AST.
    """
    _check_form(text)
    _check_survival(text)


@lru_cache(maxsize=64)
def _check_form(text: str) -> None:
    """Check that lines are those that AST writes, and objects whole."""
    opened: list[str] = []
    finished = False
    for number, line in enumerate(text.splitlines(), start=1):
        match = LINE.fullmatch(line)
        if match is None or not line.replace("\t", " ").isprintable():
            raise ValueError(f"AST cannot read the WCS: line {number} is {line[:60]!r}")
        word, name = match["word"], match["name"]
        if finished and (word or match["key"]):
            raise ValueError(f"AST cannot read the WCS: line {number} follows the end")
        if word == "Begin":
            opened.append(name)
        elif word == "End":
            if not opened or opened.pop() != name:
                raise ValueError(f"AST cannot read the WCS: line {number} ends a {name} that did not begin")
            finished = not opened
        elif not opened and (word or match["key"]):
            raise ValueError(f"AST cannot read the WCS: line {number} belongs to nothing")
    if not finished:
        raise ValueError("AST cannot read the WCS: the text has no end")


@lru_cache(maxsize=64)
def _check_survival(text: str) -> None:
    """Let a child process read the text first, and see whether it survives.

    No check of the form finds every text that crashes AST: a missing
    attribute is enough. The images of a detector mostly have one WCS, so this
    costs a few milliseconds for each detector.
    """
    if not hasattr(os, "fork"):
        return
    _library()  # so that the child imports nothing
    with warnings.catch_warnings():
        # The child takes no lock of another thread: it calls AST and ends.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            faulthandler.disable()
            _limit_resources()
            _use(text)
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + MAX_WAIT
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise ValueError("AST cannot read the WCS: it does not come to an end")
        time.sleep(0.0005)
    if os.WIFSIGNALED(ended[1]) and os.WTERMSIG(ended[1]) in (signal.SIGXCPU, signal.SIGKILL):
        raise ValueError("AST cannot read the WCS: it does not come to an end")
    if ended[1] != 0:
        raise ValueError("AST cannot read the WCS: its text is damaged")


def _limit_resources() -> None:
    """Let this process have a little time, and a little more memory than it has."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    statm = Path("/proc/self/statm")
    if statm.exists():
        size = int(statm.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size + MAX_BYTES, hard))


def _use(text: str) -> None:
    """Read and use an object as the parent will."""
    points = np.array([[0.1, 1000.0], [0.2, 3000.0]])
    library = _library()
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
