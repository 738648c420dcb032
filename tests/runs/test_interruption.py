"""Runs that end before their time."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lsst.analysis.ap.cli.cutouts import main


@pytest.fixture
def words(words, apdb):
    return [*apdb, *words]


def pictures(folder):
    return list(folder.glob("*.png"))


def start_and_wait(words, outdir, count):
    """Start a run and return when it has made some pictures."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lsst.analysis.ap", *words, str(outdir)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Tests that a shell runs in the background ignore it, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while len(pictures(outdir)) < count and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return process


@pytest.fixture(scope="module")
def expected(demo, tmp_path_factory, contents):
    outdir = tmp_path_factory.mktemp("whole")
    words = ["--quiet", "--sqlitefile", str(demo.apdb), "--collections", demo.collection, str(demo.repo)]
    assert main([*words, str(outdir)]) == 0
    return contents(outdir)


def descendants(pid):
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    children = {child for child, parent in rows if parent == pid}
    return children.union(*(descendants(child) for child in children))


def wait_for_the_end_of(pids):
    deadline = time.monotonic() + 30
    while alive := [pid for pid in pids if os.path.exists(f"/proc/{pid}")]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)


@pytest.mark.parametrize(("jobs", "count"), [(1, 30), (2, 3)])
def test_a_killed_run_leaves_no_process_and_is_finished_by_the_same_command(
    words, expected, tmp_path, jobs, count, contents
):
    outdir = tmp_path / "out"
    command = ["-j", str(jobs), *words]
    process = start_and_wait(command, outdir, count)
    workers = descendants(process.pid)
    assert workers or jobs == 1
    process.kill()
    process.wait()
    wait_for_the_end_of(workers)
    assert main([*command, str(outdir)]) == 0
    assert contents(outdir) == expected
    assert not list(outdir.glob(".*.partial"))


def test_ctrl_c_ends_soon_and_leaves_a_usable_directory(words, expected, tmp_path, contents):
    outdir = tmp_path / "out"
    process = start_and_wait(["-j", "2", *words], outdir, 3)
    os.killpg(process.pid, signal.SIGSTOP)  # it shall not end while its workers are looked for
    workers = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGCONT)
    status = process.wait(timeout=20)
    assert status == 130
    assert b"run the same command again" in process.stderr.read()
    wait_for_the_end_of(workers)
    with open(outdir / "manifest.csv", newline="") as stream:
        listed = {row["filename"] for row in csv.DictReader(stream)}
    assert listed <= {p.name for p in pictures(outdir)}
    assert len(listed) < len(expected) - 1
    assert main([*words, str(outdir)]) == 0
    assert contents(outdir) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_ctrl_c_while_workers_are_prepared_ends_all_without_a_trace(words, tmp_path):
    process = start_and_wait(["-j", "2", *words], tmp_path / "out", 0)
    deadline = time.monotonic() + 60
    while not any("multiarray" in Path(f"/proc/{pid}/maps").read_text() for pid in descendants(process.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    started = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    # Python itself turns the status into the signal when the interrupt went through an exec of text, as
    # some imports have it; a shell sees 130 either way.
    assert process.wait(timeout=20) in (130, -signal.SIGINT)
    assert process.stderr.read().count(b"\n") == 1
    wait_for_the_end_of(started)
