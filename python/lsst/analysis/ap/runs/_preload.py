"""What workers need, imported once in the process that they are forked from.

The fork server imports this module before it forks the first worker; nothing else should.
"""

__all__ = ()

import os
import signal
import sys

from ._pool import import_all


def _preload() -> None:
    # Ctrl-C reaches the fork server as well: while it imports, it should end at once and without a trace.
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = os.getppid()
    for _ in import_all():
        if os.getppid() != parent:
            sys.exit()  # nobody will want workers
    signal.signal(signal.SIGINT, handler)


_preload()
