"""Other processes crash on AST text; this one never does."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from lsst.analysis.ap.images.wcs import _ast_trial
from lsst.analysis.ap.images.wcs._ast_trial import try_ast_text

FINE = "Begin UnitMap\n Nin = 2\n IsA Mapping\nEnd UnitMap\n"
DAMAGED = "Begin ZoomMap\n Nin = 2\n IsA Unknown\nEnd ZoomMap\n"


@pytest.fixture(autouse=True)
def no_process():
    """Let each test begin, and end, without a process."""
    _ast_trial._trier.cache_clear()
    yield
    _ast_trial._trier.cache_clear()


@pytest.fixture
def other_script(monkeypatch, tmp_path):
    """Return a function that gives the process another way to use a text."""

    def replace(use):
        script = tmp_path / "other.py"
        load = f"""
            import importlib.util, os, signal, sys, time
            spec = importlib.util.spec_from_file_location("trial", {_ast_trial.__file__!r})
            trial = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(trial)
        """
        serve = "trial._serve(*map(float, sys.argv[1:]))\n"
        script.write_text(textwrap.dedent(load) + textwrap.dedent(use) + serve)
        monkeypatch.setattr(_ast_trial, "__file__", str(script))

    return replace


def process():
    return _ast_trial._trier(os.getpid())._process


def test_one_process_tries_many_texts():
    try_ast_text(FINE)
    first = process().pid
    for number in range(5):
        try_ast_text(FINE + "\n" * number)
    assert process().pid == first


def test_texts_after_a_damaged_one_are_tried():
    try_ast_text(FINE)
    for _ in range(2):
        with pytest.raises(ValueError, match="its text is damaged"):
            try_ast_text(DAMAGED)
        try_ast_text(FINE)


def test_good_text_is_not_blamed_for_those_before(other_script):
    """The second text makes the process die, whatever it is."""
    other_script("""
        tried = []
        def use(library, text):
            tried.append(text)
            if len(tried) == 2:
                os.abort()
        trial._use = use
    """)
    try_ast_text(FINE)
    try_ast_text(FINE)


def test_a_process_that_was_killed_is_replaced():
    try_ast_text(FINE)
    process().kill()
    process().wait()
    try_ast_text(FINE)
    with pytest.raises(ValueError, match="its text is damaged"):
        try_ast_text(DAMAGED)


def test_interrupted_trial_gives_no_answer_to_the_next(other_script):
    other_script("""
        def use(library, text):
            time.sleep(0.5 if "Unit" in text else 0)
            if "Zoom" in text:
                os.abort()
        trial._use = use
    """)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            try_ast_text(FINE)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    with pytest.raises(ValueError, match="its text is damaged"):
        try_ast_text(DAMAGED)


@pytest.mark.parametrize(
    ("use", "limit"),
    [("while True: pass", "MAX_SECONDS"), ("time.sleep(60)", "MAX_WAIT")],
    ids=["works", "waits"],
)
def test_text_that_takes_for_ever(other_script, monkeypatch, use, limit):
    other_script(f"""
        def use(library, text):
            {use}
        trial._use = use
    """)
    monkeypatch.setattr(_ast_trial, limit, 0.2)
    start = time.monotonic()
    with pytest.raises(ValueError, match="does not come to an end"):
        try_ast_text(FINE)
    assert time.monotonic() - start < 30


def test_whatever_else_is_printed_is_no_answer(other_script):
    other_script("""
        def use(library, text):
            os.write(1, b"AST prints something")
            os.abort()
        trial._use = use
    """)
    with pytest.raises(ValueError, match="its text is damaged"):
        try_ast_text(FINE)


def test_missing_library_is_not_called_damage(other_script):
    other_script("""
        def library():
            raise ImportError
        trial._library = library
    """)
    with pytest.raises(ImportError, match="finds no library"):
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_forked_process_has_its_own():
    try_ast_text(FINE)
    mine = process().pid
    child = os.fork()
    if child == 0:
        status = 1
        try:
            try_ast_text(FINE)
            status = int(process().pid == mine)
            _ast_trial._trier.cache_clear()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    try_ast_text(FINE)
    assert process().pid == mine


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("end", ["sys.exit()", "os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_it_ends_with_the_process_that_asks(end):
    code = f"""
        import os, signal, sys
        from lsst.analysis.ap.images.wcs import _ast_trial
        _ast_trial.try_ast_text({FINE!r})
        print(_ast_trial._trier(os.getpid())._process.pid, flush=True)
        {end}
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, check=False
    )
    path = Path(f"/proc/{int(done.stdout)}/cmdline")
    deadline = time.monotonic() + 20
    while path.exists() and b"_ast_trial" in path.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not path.exists() or b"_ast_trial" not in path.read_bytes()
