"""Make a large training set, kill it at random moments, finish it, and compare.

Shows three things of a run that leaves stamps without pictures:

- the memory does not grow with the number of sources,
- every stamp is on the disk twice and no more, in the part of its batch and
  in the array, also after a run that was killed: so no image is read again,
- killed with SIGKILL at any moment, the next run finishes the same bytes.

python tests/stress/training.py --sources 200000
"""

import argparse
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.training import INSTRUMENT, RUN, make_images, sources_on

SIZE = 21
SIDE = 400
DETECTORS = 20
BATCH = 500
"""Sources of a batch; those of a detector come in many, as of a large catalogue."""


def fill(root, outdir, count):
    """Run the task, and say how much memory it took."""
    from lsst.daf.butler import Butler

    from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask

    def batches():
        # A stream: neither here nor there are all sources in memory.
        for number in range(count // BATCH):
            table = sources_on(root, DETECTORS, SIDE, SIZE, BATCH)
            yield table.assign(diaSourceId=number * BATCH + 1 + table.index, diaObjectId=number + 1)

    config = ZooniverseCutoutsConfig()
    config.update(sizes=[SIZE], writeStamps="npy", pictures=False, instrument=INSTRUMENT)
    task = ZooniverseCutoutsTask(config, butler=Butler.from_config(str(root / "repo"), collections=RUN))
    result = task.run(batches(), outdir, progress=False)
    assert len(result.failed) == 0
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def start(root, outdir, count):
    """Start a run in a process of its own."""
    words = [sys.executable, __file__, "--root", str(root), "--outdir", str(outdir), "--sources", str(count)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)


def finish(root, outdir, count):
    """Run to the end, and return the peak of the memory in MB, and the seconds."""
    began = time.monotonic()
    process = start(root, outdir, count)
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"A run into {outdir} ended with status {process.returncode}.")
    return int(said.split()[-1]), time.monotonic() - began


def excess(outdir):
    """Return how much larger the parts are than the array that was made of them."""
    parts = sum(path.stat().st_size for path in outdir.glob(".stamps/parts/*/*.arrow"))
    return parts / (outdir / "stamps.npy").stat().st_size


def digests(outdir):
    """Return what the run leaves for its user."""
    names = ("stamps.npy", "stamps_catalogue.parquet", "README.md", "manifest.csv")
    return {name: hashlib.file_digest((outdir / name).open("rb"), "sha256").hexdigest() for name in names}


def main():
    """Run all, print a line for each step, and exit with 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sources", type=int, default=200_000, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="runs that are killed (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--outdir", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.outdir:
        fill(arguments.root, arguments.outdir, arguments.sources)
        return
    problems = []
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        root = Path(folder)
        make_images(root, DETECTORS, SIDE)
        count, rng = arguments.sources, random.Random(arguments.seed)
        few, _ = finish(root, root / "few", count // 8)
        memory, seconds = finish(root, root / "whole", count)
        print(
            f"{count // 8} sources: {few} MB of memory; {count}: {memory} MB, {seconds:.0f} s, "
            f"parts {excess(root / 'whole'):.2f} times as large as the array",
            flush=True,
        )
        if memory > few + 100:
            problems.append("the memory grows with the number of sources")
        expected = digests(root / "whole")
        for number in range(1, arguments.rounds + 1):
            outdir = root / str(number)
            process = start(root, outdir, count)
            moment = rng.uniform(0.1, 1.0) * seconds
            time.sleep(moment)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            done = sum(1 for _ in outdir.glob(".stamps/parts/*/*.arrow"))
            finish(root, outdir, count)
            same = digests(outdir) == expected
            print(
                f"round {number}: killed after {moment:.1f} s with {done} parts, "
                f"{'same bytes' if same else 'OTHER BYTES'}, "
                f"parts {excess(outdir):.2f} times as large as the array",
                flush=True,
            )
            # Small parts have a head of some kilobytes, and one that was cut off is made again.
            if excess(outdir) > 1.2:
                problems.append(f"round {number} read stamps again")
            if not same:
                problems.append(f"round {number} left other bytes")
            shutil.rmtree(outdir)
    if problems:
        raise SystemExit("; ".join(problems))


if __name__ == "__main__":
    main()
