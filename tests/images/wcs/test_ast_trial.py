"""Another process crashes on AST text; this one never does."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path

import pytest

from lsst.analysis.ap.images.wcs import _ast_trial
from lsst.analysis.ap.images.wcs._ast_trial import try_ast_text

FINE = "Begin UnitMap\n Nin = 2\n IsA Mapping\nEnd UnitMap\n"
DAMAGED = "Begin ZoomMap\n Nin = 2\n IsA Unknown\nEnd ZoomMap\n"

# As the file that it is, and without the package, which takes seconds to import.
IMPORTS = f"""
import os, signal, sys, time
sys.path.insert(0, {str(Path(_ast_trial.__file__).parent)!r})
import _ast_trial as trial
"""


@pytest.fixture
def process(monkeypatch):
    """Return what lets the other process run some code before it tries texts."""

    def prepare(code):
        program = f"{IMPORTS}{textwrap.dedent(code)}\ntrial.serve()"
        monkeypatch.setattr(_ast_trial, "_COMMAND", [sys.executable, "-c", program])

    _ast_trial._tester.stop()
    yield prepare
    _ast_trial._tester.stop()


def using(expression):
    """Return code that evaluates an expression where AST would read a text."""
    return f"trial._use = lambda library, text: {expression}"


def test_texts_after_a_damaged_one_are_tried():
    try_ast_text(FINE)
    for _ in range(2):
        with pytest.raises(ValueError, match="its text is damaged"):
            try_ast_text(DAMAGED)
        try_ast_text(FINE)


@pytest.mark.parametrize(
    "use",
    [
        "os.abort()",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "[bytes(2**28) for _ in range(8)]",
        "sys.exit()",
    ],
    ids=["aborts", "crashes", "eats the memory", "exits"],
)
def test_whatever_happens_there_is_damage(process, capfd, use):
    process("import faulthandler; faulthandler.enable()\n" + using(use))
    with pytest.raises(ValueError, match="its text is damaged"):
        try_ast_text(FINE)
    assert capfd.readouterr() == ("", "")


def test_what_is_printed_there_is_not_seen(process, capfd):
    process(using("os.write(1, b'AST prints something') and os.write(2, b'more')"))
    try_ast_text(FINE)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("use", "limit"),
    [("[0 for _ in iter(int, 1)]", "MAX_SECONDS"), ("time.sleep(60)", "MAX_WAIT")],
    ids=["works", "waits"],
)
def test_text_that_takes_for_ever(process, use, limit):
    process(f"trial.{limit} = 0.2\n" + using(use))
    # Somebody else's use of the signals is no way out, and stays as it is.
    previous = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    start = time.monotonic()
    try:
        with pytest.raises(ValueError, match="does not come to an end"):
            try_ast_text(FINE)
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert time.monotonic() - start < 30


def test_time_of_several_texts_is_not_added_up(process):
    process("trial.MAX_SECONDS = trial.MAX_WAIT = 1.0\n" + using("time.sleep(0.3)"))
    for _ in range(5):
        try_ast_text(FINE)


def test_interrupted_trial_leaves_no_process(process):
    process(using("time.sleep(60)"))
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    found = []
    watcher = threading.Timer(0.4, lambda: found.append(_ast_trial._tester._process.pid))
    watcher.start()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.8)
        with pytest.raises(KeyboardInterrupt):
            try_ast_text(FINE)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    watcher.join()
    with pytest.raises(ProcessLookupError):
        os.kill(found[0], 0)


def test_one_process_tries_all_texts_until_one_is_damaged(process):
    pids = []
    for text in (FINE, FINE, DAMAGED, FINE):
        with suppress(ValueError):
            try_ast_text(text)
            pids.append(_ast_trial._tester._process.pid)
    assert pids[0] == pids[1] != pids[2]


def test_process_that_somebody_ended_is_replaced(process):
    try_ast_text(FINE)
    _ast_trial._tester._process.kill()
    try_ast_text(FINE)
    process("sys.exit(1)")
    _ast_trial._tester.stop()
    with pytest.raises(OSError, match="does not start"):
        try_ast_text(FINE)


def test_copy_of_this_process_has_its_own(process):
    try_ast_text(FINE)
    mine = _ast_trial._tester._process.pid
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            try_ast_text(FINE)
            own = _ast_trial._tester._process.pid
            _ast_trial._tester.stop()
            os._exit(0 if own != mine else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    try_ast_text(FINE)
    assert _ast_trial._tester._process.pid == mine


@pytest.mark.parametrize("end", ["pass", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_process_ends_with_its_owner(end):
    code = f"trial.try_ast_text({FINE!r})\nprint(trial._tester._process.pid, flush=True)\n{end}"
    done = subprocess.run([sys.executable, "-c", IMPORTS + code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    status = Path(f"/proc/{int(done.stdout)}/status")
    for _ in range(100):
        if not status.exists() or "zombie" in status.read_text():
            break
        time.sleep(0.1)
    else:
        pytest.fail("it goes on")


def test_missing_library_is_not_called_damage(monkeypatch):
    def nothing(name):
        raise ImportError(name)

    monkeypatch.setattr(_ast_trial, "import_module", nothing)
    with pytest.raises(ImportError, match="install starlink-pyast"):
        try_ast_text(FINE)


def test_threads_get_their_own_answers():
    wrong = []

    def ask(text, is_fine):
        try:
            try_ast_text(text)
            survived = True
        except ValueError:
            survived = False
        if survived != is_fine:
            wrong.append(text)

    threads = [threading.Thread(target=ask, args=(FINE, True)) for _ in range(8)]
    threads += [threading.Thread(target=ask, args=(DAMAGED, False)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
