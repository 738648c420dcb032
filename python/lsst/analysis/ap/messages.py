"""What messages are made of, whoever writes them.

As `~lsst.analysis.ap.domain`, this module imports no other of this package.
"""

__all__ = (
    "cause_of",
    "did_you_mean",
    "install_line",
    "no_such",
    "one_of",
    "progress_bar",
    "public_uri",
    "waiting_for",
)

import difflib
import logging
import os
import re
import shlex
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

_log = logging.getLogger(__name__)

_RETRIES = re.compile(
    r"""Max retries exceeded with url: \S+ \(Caused by \w+\(['"](?:\w+\(.*?\): )?(.*)['"]\)\)"""
)
"""How requests wraps what it is that went wrong."""


def cause_of(error: BaseException) -> str:
    """Return what an error says, on one line.

    Parameters
    ----------
    error : `BaseException`
        The error.

    Returns
    -------
    words : `str`
        Its text; the name of its type where it has none.
    """
    return _RETRIES.sub(r"\1", " ".join(str(error).split())) or type(error).__name__


def did_you_mean(word: str, known: Iterable[str], folder: str = "") -> str:
    """Return the question whether another name was meant.

    Parameters
    ----------
    word : `str`
        A name that does not exist.
    known : iterable of `str`
        Names that do.
    folder : `str`, optional
        Where they are, if they are files.

    Returns
    -------
    question : `str`
        A sentence to put behind a message, with a blank before it; nothing when no name resembles the word.
    """
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), names, n=2, cutoff=0.7)
    if near and near[0] == word.lower():
        near = near[:1]
    return f" Did you mean {' or '.join(os.path.join(folder, names[name]) for name in near)}?" if near else ""


def no_such(what: str, path: str | os.PathLike[str]) -> str:
    """Return that there is nothing at a path, or something else than was meant.

    Parameters
    ----------
    what : `str`
        What should be there.
    path : `str` or `pathlib.Path`
        Where it was looked for.

    Returns
    -------
    message : `str`
        A sentence, and what may have been meant instead.
    """
    if os.path.exists(path):
        return f"{path} is a {'directory' if os.path.isdir(path) else 'file'} and no {what}."
    folder, name = os.path.split(str(path).rstrip("/"))
    try:
        near = did_you_mean(name, os.listdir(folder or "."), folder)
    except OSError:  # the folder itself is missing
        near = ""
    return f"There is no {what} {path}.{near or ' Check the path.'}"


def one_of(name: str, choices: Iterable[str]) -> Callable[[str], bool]:
    """Return what checks the items of a list of words.

    Parameters
    ----------
    name : `str`
        The field that has the list.
    choices : iterable of `str`
        What its items can be.

    Returns
    -------
    check : `~collections.abc.Callable`
        Refuses any other word with a `ValueError` that names the choices, as those of single words do.
    """
    known = tuple(choices)

    def check(word: str) -> bool:
        if word not in known:
            raise ValueError(f"{name}: each is one of {', '.join(known)}, not {word!r}")
        return True

    return check


def install_line(extra: str) -> str:
    """Return the command that installs what an extra of this package brings.

    Parameters
    ----------
    extra : `str`
        Name of the extra.

    Returns
    -------
    line : `str`
        A line to be typed. It names the packages themselves: this one is
        installed already, and may be on no index.
    """
    from importlib.metadata import PackageNotFoundError, requires

    try:
        requirements = requires("lsst-analysis-ap") or []
    except PackageNotFoundError:  # in a stack, which has its own ways to install
        requirements = []
    ours = [line.partition(";")[0].strip() for line in requirements if _belongs(line, extra)]
    return shlex.join(["pip", "install", *(ours or [f"lsst-analysis-ap[{extra}]"])])


def _belongs(requirement: str, extra: str) -> bool:
    return re.search(rf"extra == ['\"]{re.escape(extra)}['\"]", requirement) is not None


def progress_bar(stage: str, total: int | None, unit: str, shown: bool | None = None) -> Any:
    """Return a bar that tells how far some work is.

    Parameters
    ----------
    stage : `str`
        What is done.
    total : `int` or `None`
        How many things there are to do; `None` when nobody knows.
    unit : `str`
        What they are, in the singular.
    shown : `bool`, optional
        Whether the bar shows itself; by default on a terminal and in a
        notebook.

    Returns
    -------
    bar : `tqdm.tqdm`
        A context manager; a widget in a notebook.
    """
    if in_notebook := "ipykernel" in sys.modules:  # whose output is no terminal
        from tqdm.auto import tqdm
    else:
        from tqdm import tqdm
    disable = not shown if shown is not None else False if in_notebook else None
    return tqdm(desc=stage, total=total, unit=unit, unit_scale=total is None, disable=disable)


def public_uri(uri: object) -> str:
    """Return a URI without what only its owner may know.

    Parameters
    ----------
    uri : `object`
        A path, a URI or what turns into one, such as a database URL.

    Returns
    -------
    text : `str`
        The same with ``***`` in place of a password, and of the values of a
        query, which may be a signature or a token.
    """
    text = re.sub(r"(://[^:/?#@\s]*):\S*@", r"\1:***@", str(uri))
    return re.sub(r"(?<=[?&])([^=&#\s]+)=[^&#\s]*", r"\1=***", text) if "://" in text else text


@contextmanager
def waiting_for(what: str, seconds: float = 10.0) -> Iterator[None]:
    """Say what is waited for, if it takes long.

    Parameters
    ----------
    what : `str`
        What might not answer.
    seconds : `float`, optional
        How long a wait is that needs no word.

    Yields
    ------
    nothing
        While that is waited for.
    """
    timer = threading.Timer(seconds, _log.warning, ("Still waiting for %s ...", what))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
