import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lsst.analysis.ap.runs import _pool
from lsst.analysis.ap.runs._pool import run_batches

needs_fork_server = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")


def square(number):
    return os.getpid(), number**2


def dead(number):
    return 0, -number


def kill_on_seven(number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return square(number)


class KillOnce:
    def __init__(self, mark, find_victim):
        self.mark = mark
        self.find_victim = find_victim

    def __call__(self, number):
        if number == 3 and not self.mark.exists():
            self.mark.touch()
            os.kill(self.find_victim(), signal.SIGKILL)
        return square(number)


class Broken:
    def __reduce__(self):
        return int, ("no number",)


def parent_and_modules(_):
    return os.getppid(), frozenset(sys.modules)


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def fail(number):
    raise ValueError(number)


def test_jobs_are_other_processes_and_each_batch_is_done_once():
    results = list(run_batches(square, range(20), 2, dead))
    assert sorted(value for _, value in results) == [n**2 for n in range(20)]
    assert os.getpid() not in {pid for pid, _ in results}


def test_a_batch_that_kills_its_process_is_the_only_one_lost():
    results = [value for _, value in run_batches(kill_on_seven, range(12), 2, dead)]
    assert sorted(results) == sorted([*(n**2 for n in range(12) if n != 7), -7])


def test_a_batch_whose_process_died_by_accident_is_done_again(tmp_path):
    work = KillOnce(tmp_path / "mark", os.getpid)
    results = [value for _, value in run_batches(work, range(6), 2, dead)]
    assert sorted(results) == [n**2 for n in range(6)]
    assert work.mark.exists()


@needs_fork_server
def test_no_batch_is_lost_when_the_fork_server_dies(tmp_path):
    work = KillOnce(tmp_path / "mark", os.getppid)
    results = [value for _, value in run_batches(work, range(6), 2, dead)]
    assert sorted(results) == [n**2 for n in range(6)]
    assert work.mark.exists()


def test_no_batch_is_lost_while_a_dead_fork_server_refuses(monkeypatch):
    submit, refusals = _pool._submit, iter([ConnectionRefusedError(), ConnectionResetError()] * 2)

    def refuse_first(*arguments):
        if (error := next(refusals, None)) is not None:
            raise error
        return submit(*arguments)

    monkeypatch.setattr(_pool, "_submit", refuse_first)
    assert sorted(value for _, value in run_batches(square, range(6), 2, dead)) == [n**2 for n in range(6)]
    assert next(refusals, None) is None


def test_an_error_of_the_work_is_raised_and_ends_the_processes():
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    other.start()
    with pytest.raises(ValueError, match=r"^[0-3]$"):
        list(run_batches(fail, range(4), 2, dead))
    assert multiprocessing.active_children() == [other]
    other.kill()
    other.join()


def test_work_that_cannot_be_unpickled_is_an_error_and_no_death():
    with pytest.raises(ValueError, match="no number"):
        list(run_batches(Broken(), range(4), 2, dead))


@needs_fork_server
def test_workers_are_forked_with_their_imports_done_and_all_end():
    ((server, modules),) = set(run_batches(parent_and_modules, [0], 2, dead))
    assert {"lsst.analysis.ap.runs._pictures", "matplotlib.backends.backend_agg"} <= modules
    assert not {"lsst.images", "matplotlib.figure", "pandas"} & modules
    assert server in children(os.getpid())
    assert children(server) == []


@needs_fork_server
def test_a_command_forks_its_workers_and_gets_others_when_they_die(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing, operator, os, sys\n"
        "from lsst.analysis.ap.runs._pool import fork_workers, run_batches\n"
        "def parent(_): return os.getppid()\n"
        "if __name__ == '__main__':\n"
        "    fork_workers(2)\n"
        "    assert set(run_batches(parent, range(4), 2, len)) == {os.getpid()}\n"
        "    assert not multiprocessing.active_children()\n"
        "    sys.modules.pop('lsst.daf.butler')  # this process has opened nothing\n"
        "    fork_workers(2)\n"
        "    assert list(run_batches(os._exit, [5], 2, operator.neg)) == [-5]\n"
        "    assert not multiprocessing.active_children()\n"
    )
    subprocess.run([sys.executable, str(script)], check=True, timeout=120)


def test_workers_have_the_environment_of_their_run(monkeypatch):
    for value in ("a", "b"):
        monkeypatch.setenv("CUTOUTS_TEST", value)
        assert list(run_batches(os.getenv, ["CUTOUTS_TEST"], 2, dead)) == [value]
    monkeypatch.delenv("CUTOUTS_TEST")
    assert list(run_batches(os.getenv, ["CUTOUTS_TEST"], 2, dead)) == [None]


@pytest.mark.parametrize("folder", [".", "long" * 30])
def test_a_script_without_a_guard_runs_once_wherever_temporary_files_are(tmp_path, folder):
    script = tmp_path / "script.py"
    script.write_text(
        "import operator\n"
        "from lsst.analysis.ap.runs._pool import run_batches\n"
        "print(sorted(run_batches(operator.neg, range(4), 2, operator.pos)), __file__)\n"
    )
    (tmp_path / folder).mkdir(exist_ok=True)
    environment = os.environ | {"TMPDIR": str(tmp_path / folder)}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (f"[-3, -2, -1, 0] {script}\n", "")


def test_workers_log_as_their_parent_does(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import logging, operator\n"
        "from lsst.analysis.ap.runs._pool import run_batches\n"
        "logging.basicConfig(format='%(levelname)s, %(name)s: %(message)s', level='WARNING')\n"
        "list(run_batches(logging.getLogger('some').warning, ['first', 'second'], 2, operator.pos))\n"
        "logging.getLogger().setLevel('ERROR')\n"
        "list(run_batches(logging.getLogger('some').warning, ['third'], 2, operator.pos))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert sorted(done.stderr.splitlines()) == ["WARNING, some: first", "WARNING, some: second"]


def test_no_more_batches_are_taken_than_there_is_room_for():
    taken = []

    def batches():
        for number in range(50):
            taken.append(number)
            yield number

    results = run_batches(square, batches(), 2, dead)
    next(results)
    assert len(taken) <= 8
    results.close()
