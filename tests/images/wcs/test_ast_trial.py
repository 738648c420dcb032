"""Copies of this process crash on AST text; this one never does."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import pytest

from lsst.analysis.ap.images.wcs import _ast_trial
from lsst.analysis.ap.images.wcs._ast_trial import try_ast_text

FINE = "Begin UnitMap\n Nin = 2\n IsA Mapping\nEnd UnitMap\n"
DAMAGED = "Begin ZoomMap\n Nin = 2\n IsA Unknown\nEnd ZoomMap\n"


def use_instead(monkeypatch, use):
    """Give the other process another way to use a text."""
    monkeypatch.setattr(_ast_trial, "_use", lambda library, text: use(text))


def test_texts_after_a_damaged_one_are_tried():
    try_ast_text(FINE)
    for _ in range(2):
        with pytest.raises(ValueError, match="its text is damaged"):
            try_ast_text(DAMAGED)
        try_ast_text(FINE)


@pytest.mark.parametrize(
    "use",
    [
        lambda text: os.abort(),
        lambda text: os.kill(os.getpid(), signal.SIGSEGV),
        lambda text: [bytes(2**28) for _ in range(8)],
        lambda text: sys.exit(),
    ],
    ids=["aborts", "crashes", "eats the memory", "exits"],
)
def test_whatever_happens_there_is_damage(monkeypatch, capfd, use):
    use_instead(monkeypatch, use)
    with pytest.raises(ValueError, match="its text is damaged"):
        try_ast_text(FINE)
    assert capfd.readouterr() == ("", "")


def test_what_is_printed_there_is_not_seen(monkeypatch, capfd):
    use_instead(monkeypatch, lambda text: os.write(1, b"AST prints something") and os.write(2, b"more"))
    try_ast_text(FINE)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("use", "limit"),
    [(lambda text: [0 for _ in iter(int, 1)], "MAX_SECONDS"), (lambda text: time.sleep(60), "MAX_WAIT")],
    ids=["works", "waits"],
)
def test_text_that_takes_for_ever(monkeypatch, use, limit):
    use_instead(monkeypatch, use)
    monkeypatch.setattr(_ast_trial, limit, 0.2)
    # Somebody else's use of the signals is no way out, and stays as it is.
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    start = time.monotonic()
    try:
        with pytest.raises(ValueError, match="does not come to an end"):
            try_ast_text(FINE)
        assert signal.getsignal(signal.SIGALRM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert time.monotonic() - start < 30


def test_interrupted_trial_leaves_no_process(monkeypatch, tmp_path):
    def use(text):
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)

    use_instead(monkeypatch, use)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(KeyboardInterrupt):
            try_ast_text(FINE)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


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


def test_threads_cause_no_warning():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try_ast_text(FINE)
    finally:
        stop.set()
        thread.join()


def test_handlers_of_crashes_stay_silent():
    code = f"""
        import faulthandler, os
        from lsst.analysis.ap.images.wcs import _ast_trial
        faulthandler.enable()
        _ast_trial._use = lambda library, text: os.abort()
        try:
            _ast_trial.try_ast_text({FINE!r})
        except ValueError:
            print("damaged")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("damaged\n", "")
