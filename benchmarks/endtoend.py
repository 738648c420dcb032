"""Compare whole runs with the plain way of making the same pictures.

The plain way gets the three images of a detector whole from the butler, keeps
those of the last detectors, and draws and saves one matplotlib figure for
each source. Every run is a process of its own; times begin when it has made
one picture, and so has done its imports. Each pair of runs that a ratio
compares follows the other at once.

j2_vs_j1 compares what a person waits for: the seconds of the command on the
longest catalogue with -j 1 and with -j 2, from its start to its end. Imports,
start and end of all processes, opening of the repository, reading of the
catalogue and writing of the manifest are included in both. Beside it stands
how many cores each kept busy: its processor time over its seconds. Two cores
that nobody else uses allow a ratio of 2, if -j 2 takes no more processor time
and keeps both busy from start to end.

    python benchmarks/endtoend.py --json endtoend.json
    python benchmarks/endtoend.py --size 1000 --detectors 2 --growth 100 1000    # a quick look
"""

import argparse
import ctypes
import functools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAIN_LIMIT = 60
"""Sources that the plain way draws; its time per source is what counts."""


def run_tool(demo, catalog, outdir):
    """Make the pictures as a user would, and return how long it took."""
    import pyarrow.parquet as pq
    from lsst.daf.butler import Butler

    from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask

    config = ZooniverseCutoutsConfig()
    config.addMetadata = True
    task = ZooniverseCutoutsTask(config, butler=Butler.from_config(demo["repo"], collections=demo["run"]))
    sources = pq.read_table(catalog)
    task.run(sources.slice(0, 1), f"{outdir}-first")
    start = time.perf_counter()
    result = task.run(sources, outdir)
    assert not result.failed, result.failed[0]
    return time.perf_counter() - start, len(result.written)


def run_plain(demo, catalog, outdir):
    """Make the pictures with full images and a figure each."""
    import pyarrow.parquet as pq
    from lsst.daf.butler import Butler

    from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask

    config = ZooniverseCutoutsConfig()
    config.addMetadata = True
    task = ZooniverseCutoutsTask(config)
    butler = Butler.from_config(demo["repo"], collections=demo["run"])
    types = {
        "template": "template_detector",
        "science": "preliminary_visit_image",
        "difference": "difference_image",
    }

    @functools.lru_cache(maxsize=4)
    def images(visit, detector):
        data_id = {"instrument": "DemoCam", "visit": visit, "detector": detector}
        return {role: butler.get(name, data_id) for role, name in types.items()}

    rows = pq.read_table(catalog).to_pylist()
    Path(outdir).mkdir()
    task.figure(rows[0], images(rows[0]["visit"], rows[0]["detector"])).savefig(Path(outdir, "first.png"))
    images.cache_clear()
    start = time.perf_counter()
    for row in rows:
        figure = task.figure(row, images(row["visit"], row["detector"]))
        figure.savefig(Path(outdir, f"{row['diaSourceId']}.png"))
    return time.perf_counter() - start, len(rows)


def measure(kind, demo, catalog):
    """Run in a process of its own; return seconds, CPU seconds, peak megabytes and sources."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, "--child", kind, json.dumps(demo), str(catalog)]
        figures, output = run([*words, str(Path(folder, "out"))])
    return figures | json.loads(output.splitlines()[-1])


def measure_command(demo, catalog, sources, jobs):
    """Run the command as a user would; return the same figures, of all of it."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "lsst.analysis.ap", "--quiet", "-c", "addMetadata=True"]
        words += ["-j", str(jobs), "--catalog", str(catalog), "--collections", demo["run"], demo["repo"]]
        figures, _ = run([*words, str(Path(folder, "out"))])
    return figures | {"sources": sources}


def run(words):
    """Run a process to its end and to that of its workers; return figures and output."""
    start = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    with process:
        output = process.stdout.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    usages = [usage]
    try:
        while True:  # what it left, which ends when it sees that it is alone
            usages.append(os.wait3(0)[2])
    except ChildProcessError:
        own, *others = (u.ru_utime + u.ru_stime for u in usages)
    peak = max(u.ru_maxrss for u in usages) / 1024
    return {"seconds": seconds, "cpu": own + sum(others), "workers_cpu": sum(others), "peak_MB": peak}, output


def adopt_orphans():
    """Become the parent of processes whose own parent ends, to wait for them."""
    if sys.platform == "linux":
        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def child(kind, demo, catalog, outdir):
    """Do one measured run in this process."""
    seconds, sources = (run_tool if kind == "tool" else run_plain)(json.loads(demo), catalog, outdir)
    print(json.dumps({"seconds": seconds, "sources": sources}))


def make_catalogs(demo, folder, per_detector, growth):
    """Write the catalogues: some sources a detector, and series of growing length."""
    import numpy as np
    import pyarrow as pa

    from lsst.analysis.ap.sources import Selection, SqlApdb

    sources = pa.concat_tables(SqlApdb.from_sqlite(demo["apdb"]).read(Selection())).to_pandas()
    groups = sources.groupby(["visit", "detector"])
    rng = np.random.default_rng(1)

    def drawn(group, count):
        """Return sources of a detector as often as needed, each a little aside of the real one."""
        rows = group.sample(count, replace=count > len(group), random_state=2)
        rows["ra"] += rng.uniform(-2e-4, 2e-4, count)
        rows["dec"] += rng.uniform(-2e-4, 2e-4, count)
        return rows

    def write(name, counts):
        import pandas as pd

        rows = pd.concat([drawn(group, n) for (_, group), n in zip(groups, counts, strict=True) if n])
        rows["diaSourceId"] = np.arange(len(rows)) + 10**17
        path = Path(folder, f"{name}.parquet")
        rows.to_parquet(path)
        return path

    catalogs = {"usual": write("usual", [per_detector] * len(groups))}
    # The plain way would take minutes for all of it.
    few = -(-PLAIN_LIMIT // per_detector)
    catalogs["plain"] = write("plain", [per_detector if n < few else 0 for n in range(len(groups))])
    for total in growth:
        share, rest = divmod(total, len(groups))
        catalogs[total] = write(str(total), [share + (n < rest) for n in range(len(groups))])
    return catalogs


def main():
    """Measure, print and, if asked, write the figures."""
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=4000, help="pixels per side of a detector")
    parser.add_argument("--detectors", type=int, default=9)
    parser.add_argument("--per-detector", type=int, default=50, help="sources per detector")
    parser.add_argument("--growth", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--demo", type=Path, help="a demo of that size that is there already")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    from lsst.analysis.ap.demo import make_demo

    adopt_orphans()
    folder = Path(tempfile.mkdtemp())
    try:
        root = arguments.demo or folder / "demo"
        if not (root / "repo").exists():
            make_demo(root, size=arguments.size, visits=1, detectors=arguments.detectors)
        demo = {
            "repo": str(root / "repo"),
            "apdb": str(root / "apdb.sqlite3"),
            "run": "DemoCam/runs/demo",
        }
        report(arguments, demo, make_catalogs(demo, folder, arguments.per_detector, arguments.growth))
    finally:
        shutil.rmtree(folder)


def report(arguments, demo, catalogs):
    """Run every comparison and tell of it."""
    figures, pairs = {}, {"annotated_j1": [], "annotated_cpu": [], "j2_vs_j1": []}

    def note(name, run):
        figures.setdefault(name, []).append(run)
        rate = run["sources"] / run["seconds"]
        print(
            f"{name:>13}: {rate:7.1f} sources/s, {run['cpu']:6.1f} s CPU, {run['peak_MB']:6.0f} MB",
            flush=True,
        )
        return run["seconds"] / run["sources"], run["cpu"] / run["sources"]

    def note_command(name, run):
        seconds, _ = note(name, run)
        main = run["cpu"] - run["workers_cpu"]
        print(
            f"{'':>13}  {run['seconds']:.1f} s, {run['cpu'] / run['seconds']:.2f} cores busy: "
            f"{main:.1f} s of the command itself, {run['workers_cpu']:.1f} s of its workers",
            flush=True,
        )
        return seconds

    for _ in range(arguments.rounds):
        plain, plain_cpu = note("plain way", measure("plain", demo, catalogs["plain"]))
        one, one_cpu = note("-j 1", measure("tool", demo, catalogs["usual"]))
        total = arguments.growth[-1]
        all_by_one, all_by_two = (
            note_command(f"command -j {jobs}", measure_command(demo, catalogs[total], total, jobs))
            for jobs in (1, 2)
        )
        pairs["annotated_j1"].append(plain / one)
        pairs["annotated_cpu"].append(plain_cpu / one_cpu)
        pairs["j2_vs_j1"].append(all_by_one / all_by_two)
    ratios = {name: statistics.median(values) for name, values in pairs.items()}
    peaks = {
        total: note(f"{total} sources", run := measure("tool", demo, catalogs[total])) and run["peak_MB"]
        for total in arguments.growth
    }
    if len(peaks) > 1:
        first, *_, last = peaks
        ratios[f"memory_{last}_vs_{first}"] = peaks[last] / peaks[first]
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"ratios": ratios, "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
