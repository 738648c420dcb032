"""What workers need, imported once in the process that they are forked from.

The fork server imports this module before it forks the first worker; nothing else should. It opens no file
and no connection: what a worker has of these is its own.
"""

__all__ = ()

import gc
import importlib
import os
import signal
import sys
from typing import Final

from ._arrow import keep_pandas_out

_MODULES: Final = (
    "lsst.analysis.ap.runs._writer",
    "lsst.daf.butler.direct_butler",
    "lsst.images",
    "lsst.resources.http",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
)
"""The first imports what this package does; the others are imported late."""


def _preload() -> None:
    # Ctrl-C reaches the fork server as well: while it imports, it should end at once and without a trace.
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = os.getppid()
    keep_pandas_out()
    for name in _MODULES:
        importlib.import_module(name)
        if os.getppid() != parent:
            sys.exit()  # nobody will want workers
    # What is shared stays shared if no worker's garbage collector writes to it.
    gc.freeze()
    signal.signal(signal.SIGINT, handler)


_preload()
