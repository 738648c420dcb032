"""Kill runs at random moments, finish them, and compare with an uninterrupted run.

Every round is told of in a line, also one that ends otherwise, whose
directory stays to be looked at; the exit status says whether there was one.

python tests/stress/kill.py --rounds 100
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lsst.analysis.ap.demo import make_demo

TIMEOUT = 300
"""Seconds after which a run hangs."""

COMMAND = [
    sys.executable,
    "-m",
    "lsst.analysis.ap",
    "--quiet",
    "-c",
    "addMetadata=True",
    "-c",
    "writeStamps=npy",
]


def contents(folder):
    """Return what a run leaves for its user: pictures, lists and stamps."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "report.json")
    names = {path.relative_to(folder): path for path in files}
    hidden = {name for name in names if any(part.startswith(".") for part in name.parts)}  # the run's own
    return {name: path.read_bytes() for name, path in names.items() if name not in hidden}


def kill_and_finish(words, outdir, expected, rng, jobs):
    """Kill a run after some pictures, run it again, and return how many there were and what is wrong."""
    command = [*COMMAND, "-j", str(jobs), *words, str(outdir)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wanted = rng.randint(0, sum(path.suffix == ".png" for path in expected))
    deadline = time.monotonic() + TIMEOUT
    while process.poll() is None and len(list(outdir.glob("*.png"))) < wanted:
        if time.monotonic() > deadline:
            process.kill()
            return len(list(outdir.glob("*.png"))), f"no {wanted} pictures after {TIMEOUT} s"
        time.sleep(0.001)
    time.sleep(rng.expovariate(20))
    process.send_signal(signal.SIGKILL)
    process.wait()
    return len(list(outdir.glob("*.png"))), finish(command, outdir, expected)


def finish(command, outdir, expected):
    """Run a command in a directory that was begun, and return what differs, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"the second run did not end in {TIMEOUT} s"
    if done.returncode or done.stderr:
        return f"the second run ended with {done.returncode}: {done.stderr}"
    found = contents(outdir)
    if differing := [str(name) for name in {*found, *expected} if found.get(name) != expected.get(name)]:
        return f"other than an uninterrupted run in {', '.join(sorted(differing))}"
    if left := [path.name for path in outdir.rglob("*.partial")]:
        return f"it still has {', '.join(left)}"
    return None


def main():
    """Run the rounds and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="leave all directories to look at")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    root = Path(tempfile.mkdtemp(prefix="kill-"))
    demo = make_demo(root / "demo", size=400, visits=2, detectors=2)
    words = ["--sqlitefile", str(demo.apdb), "--collections", demo.collection, str(demo.repo)]
    subprocess.run([*COMMAND, *words, str(root / "whole")], check=True, stdout=subprocess.DEVNULL)
    expected = contents(root / "whole")
    total = sum(path.suffix == ".png" for path in expected)
    wrong = []
    for number in range(1, arguments.rounds + 1):
        jobs = 1 + number % 2
        outdir = root / str(number)
        done, problem = kill_and_finish(words, outdir, expected, rng, jobs)
        if problem:
            wrong.append(outdir)
        elif not arguments.keep:
            shutil.rmtree(outdir, ignore_errors=True)
        outcome = problem or "same bytes"
        print(f"round {number}: -j {jobs}, killed after {done} of {total}, {outcome}", flush=True)
    if wrong:
        print(f"{len(wrong)} of {arguments.rounds} rounds went wrong: {', '.join(map(str, wrong))}")
        raise SystemExit(1)
    if not arguments.keep:
        shutil.rmtree(root)
    print(f"{arguments.rounds} rounds, every directory as after an uninterrupted run")


if __name__ == "__main__":
    main()
