"""Kill runs at random moments, finish them, and compare with an uninterrupted run.

python tests/stress/kill.py --rounds 100
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lsst.analysis.ap.demo import make_demo

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
    return {path.relative_to(folder): path.read_bytes() for path in files if path.name[0] != "."}


def kill_and_finish(words, outdir, expected, rng, jobs):
    """Kill a run after some pictures, run it again, and return how many there were."""
    command = [*COMMAND, "-j", str(jobs), *words, str(outdir)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    total = sum(path.suffix == ".png" for path in expected)
    wanted = rng.randint(0, total)
    while process.poll() is None and len(list(outdir.glob("*.png"))) < wanted:
        time.sleep(0.001)
    time.sleep(rng.expovariate(20))
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list(outdir.glob("*.png"))) if outdir.exists() else 0
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = contents(outdir)
    if differing := [str(name) for name in {*found, *expected} if found.get(name) != expected.get(name)]:
        raise AssertionError(f"{outdir} differs from an uninterrupted run in {', '.join(differing)}")
    if left := [path.name for path in outdir.rglob("*.partial")]:
        raise AssertionError(f"{outdir} still has {left}")
    return done, total


def main():
    """Run the rounds and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="leave all directories to look at")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(delete=not arguments.keep) as folder:
        root = Path(folder)
        demo = make_demo(root / "demo", size=400, visits=2, detectors=2)
        words = ["--sqlitefile", str(demo.apdb), "--collections", demo.collection, str(demo.repo)]
        subprocess.run([*COMMAND, *words, str(root / "whole")], check=True, stdout=subprocess.DEVNULL)
        expected = contents(root / "whole")
        for number in range(arguments.rounds):
            jobs = 1 + number % 2
            done, total = kill_and_finish(words, root / str(number), expected, rng, jobs)
            print(f"round {number + 1}: -j {jobs}, killed after {done} of {total}, same bytes", flush=True)
    print(f"{arguments.rounds} rounds, every directory as after an uninterrupted run")


if __name__ == "__main__":
    main()
