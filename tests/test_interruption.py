"""Runs that end before their time."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest

COMMAND = [sys.executable, "-m", "lsst.analysis.ap", "--quiet"]


@pytest.fixture
def words(demo):
    return ["--sqlitefile", str(demo.apdb), "--collections", demo.collection, str(demo.repo)]


def contents(folder):
    files = (p for p in folder.iterdir() if p.is_file() and p.name[0] != "." and p.name != "report.json")
    return {p.name: p.read_bytes() for p in files}


def pictures(folder):
    return list(folder.glob("*.png"))


def start_and_wait(command, outdir, count):
    """Start a run and return when it has made some pictures."""
    process = subprocess.Popen(
        [*command, str(outdir)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while len(pictures(outdir)) < count and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return process


@pytest.fixture(scope="module")
def expected(demo, tmp_path_factory):
    outdir = tmp_path_factory.mktemp("whole")
    words = ["--sqlitefile", str(demo.apdb), "--collections", demo.collection, str(demo.repo)]
    subprocess.run([*COMMAND, *words, str(outdir)], check=True, stdout=subprocess.DEVNULL)
    return contents(outdir)


@pytest.mark.parametrize(("jobs", "count"), [(1, 1), (1, 30), (2, 3), (2, 40)])
def test_a_killed_run_is_finished_by_the_same_command(words, expected, tmp_path, jobs, count):
    outdir = tmp_path / "out"
    command = [*COMMAND, "-j", str(jobs), *words]
    process = start_and_wait(command, outdir, count)
    process.kill()
    process.wait()
    subprocess.run([*command, str(outdir)], check=True, stdout=subprocess.DEVNULL)
    assert contents(outdir) == expected
    assert not list(outdir.glob(".*.partial"))


def descendants(pid):
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listed.splitlines()]
    children = {int(child) for child, parent, state in rows if int(parent) == pid and state[0] != "Z"}
    return children.union(*(descendants(child) for child in children))


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_soon_and_leaves_a_usable_directory(words, expected, tmp_path, jobs):
    outdir = tmp_path / "out"
    process = start_and_wait([*COMMAND, "-j", str(jobs), *words], outdir, 3)
    workers = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    stopped = time.monotonic()
    status = process.wait(timeout=60)
    # Generous, for a loaded machine; what matters is that it does not finish its work first.
    assert time.monotonic() - stopped < 20
    if status == 0:
        pytest.skip("the run had finished before the signal came")
    assert status == 130
    assert b"run the same command again" in process.stderr.read()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)
    with open(outdir / "manifest.csv", newline="") as stream:
        listed = {row["filename"] for row in csv.DictReader(stream)}
    assert listed <= {p.name for p in pictures(outdir)}
    subprocess.run([*COMMAND, *words, str(outdir)], check=True, stdout=subprocess.DEVNULL)
    assert contents(outdir) == expected


def test_workers_do_not_outlive_a_killed_run(words, tmp_path):
    process = start_and_wait([*COMMAND, "-j", "2", *words], tmp_path / "out", 1)
    workers = descendants(process.pid)
    assert workers
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while alive := [pid for pid in workers if os.path.exists(f"/proc/{pid}")]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)
