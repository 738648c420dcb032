"""Compare whole runs with the plain way of making the same pictures.

The plain way gets the three images of a detector whole from the butler, keeps
those of the last detectors, and draws and saves one matplotlib figure for
each source. Every run is a process of its own; times begin when it has made
one picture, and so has done its imports; annotated_cpu is the ratio of the
processor's time, so for one core. Each pair of runs that a ratio compares
follows the other at once.

j2_vs_j1 compares what a person waits for: the seconds of the command on the
longest catalogue with -j 1 and with -j 2, from its start to its end. Imports,
start and end of all processes, opening of the repository, reading of the
catalogue and writing of the manifest are included in both. Beside it stands
how many cores each kept busy: its processor time over its seconds. What two
cores of this machine can give is measured as well: two_commands_vs_j1 is the
same ratio for two commands with -j 1 at the same time, on half of the
catalogue each, which have nothing to do with each other.

    python benchmarks/endtoend.py --json endtoend.json
    python benchmarks/endtoend.py --size 1000 --detectors 2 --growth 100 1000    # a quick look
"""

import argparse
import contextlib
import ctypes
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAIN_LIMIT = 60
"""Sources that the plain way draws; its time per source is what counts."""


def run_tool(demo, catalog, outdir):
    """Make the pictures as a user would; return seconds, CPU seconds and sources."""
    import pyarrow.parquet as pq
    from lsst.daf.butler import Butler

    from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask

    config = ZooniverseCutoutsConfig()
    config.addMetadata = True
    task = ZooniverseCutoutsTask(config, butler=Butler.from_config(demo["repo"], collections=demo["run"]))
    sources = pq.read_table(catalog)
    task.run(sources.slice(0, 1), f"{outdir}-first")
    start = clocks()
    result = task.run(sources, outdir)
    assert not result.failed, result.failed[0]
    return *(clocks() - start), len(result.written)


def run_plain(demo, catalog, outdir):
    """Make the pictures with full images and a figure each; return seconds, CPU seconds and sources."""
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
    start = clocks()
    for row in rows:
        figure = task.figure(row, images(row["visit"], row["detector"]))
        figure.savefig(Path(outdir, f"{row['diaSourceId']}.png"))
    return *(clocks() - start), len(rows)


def clocks():
    """Return the time, and that of the processor for all threads and ended children, in seconds."""
    import numpy as np

    return np.array([time.perf_counter(), sum(os.times()[:4])])


def measure(kind, demo, catalog):
    """Run in a process of its own; return seconds, CPU seconds, peak megabytes and sources."""
    figures, (seconds, cpu, sources) = run_child(kind, demo, catalog, f"{new_folder(demo)}/out")
    return figures | {"seconds": seconds, "cpu": cpu, "sources": sources}


def measure_command(demo, catalogs, sources, jobs):
    """Run the command as a user would, on all catalogues at once; return the same figures, of all of it."""
    words = [sys.executable, "-m", "lsst.analysis.ap", "--quiet", "-c", "addMetadata=True", "-j", str(jobs)]
    words += ["--collections", demo["run"], demo["repo"]]
    pairs = [(catalog, f"{new_folder(demo)}/out") for catalog in catalogs]
    figures, _ = run(*([*words, outdir, "--catalog", catalog] for catalog, outdir in pairs))
    return figures | {"sources": sources}


def new_folder(demo):
    """Return a new directory, which stays until the end.

    For minutes after files were deleted ext4 looks for other places than
    theirs, one after the other: a file that is made then took four times as
    long as otherwise.
    """
    return tempfile.mkdtemp(dir=demo["pictures"])


def run_child(function, *arguments):
    """Call a function in a process of its own; return figures and what it returned."""
    words = [sys.executable, __file__, "--child", function, *map(json.dumps, arguments)]
    figures, output = run(words)
    return figures, json.loads(output.splitlines()[-1])


def run(*commands):
    """Run processes at once, until they and their workers end; return figures and the first's output."""
    start = time.perf_counter()
    processes = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for words in commands]
    usages = []
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        usages.append(usage)
    seconds = time.perf_counter() - start
    outputs = []
    for process in processes:
        with process:
            outputs.append(process.stdout.read())
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args)
    with contextlib.suppress(ChildProcessError):
        while True:  # what they left, which ends when it sees that it is alone
            usages.append(os.wait3(0)[2])
    cpu = [usage.ru_utime + usage.ru_stime for usage in usages]
    figures = {
        "seconds": seconds,
        "cpu": sum(cpu),
        "peak_MB": max(usage.ru_maxrss for usage in usages) / 1024,
    }
    return figures, outputs[0]


def adopt_orphans():
    """Become the parent of processes whose own parent ends, to wait for them."""
    if sys.platform == "linux":
        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def prepare(folder, existing, options):
    """Make the demo, unless there is one, and the catalogues; return where they are.

    Not in the process that measures: the peak memory of what a process starts
    begins with its own.
    """
    from lsst.analysis.ap.demo import make_demo

    root = Path(existing or f"{folder}/demo")
    if not (root / "repo").exists():
        make_demo(root, size=options["size"], visits=1, detectors=options["detectors"])
    demo = {"repo": f"{root}/repo", "apdb": f"{root}/apdb.sqlite3", "run": "DemoCam/runs/demo"}
    demo["pictures"] = folder
    return demo, make_catalogs(demo["apdb"], folder, options["per_detector"], options["growth"])


def make_catalogs(apdb, folder, per_detector, growth):
    """Write the catalogues: some sources a detector, series of growing length, and halves of the longest."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from lsst.analysis.ap.sources import Selection, SqlApdb

    table = pa.concat_tables(SqlApdb.from_sqlite(apdb).read(Selection()))
    # Identifiers that may be null would become floats.
    sources = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    groups = sources.groupby(["visit", "detector"])
    rng = np.random.default_rng(1)

    def drawn(group, count):
        """Return sources of a detector as often as needed, each a little aside of the real one."""
        rows = group.sample(count, replace=count > len(group), random_state=2)
        rows["ra"] += rng.uniform(-2e-4, 2e-4, count)
        rows["dec"] += rng.uniform(-2e-4, 2e-4, count)
        return rows

    catalogs = {}

    def write(name, rows):
        catalogs[name] = f"{folder}/{name}.parquet"
        rows.to_parquet(catalogs[name])

    def catalog(counts):
        rows = pd.concat([drawn(group, n) for (_, group), n in zip(groups, counts, strict=True) if n])
        rows["diaSourceId"] = np.arange(len(rows)) + 10**17
        return rows

    write("usual", catalog([per_detector] * len(groups)))
    # The plain way would take minutes for all of it.
    few = -(-PLAIN_LIMIT // per_detector)
    write("plain", catalog([per_detector if n < few else 0 for n in range(len(groups))]))
    for total in growth:
        share, rest = divmod(total, len(groups))
        longest = catalog([share + (n < rest) for n in range(len(groups))])
        write(str(total), longest)
    middle = len(longest) // 2
    write("first half", longest[:middle])
    write("second half", longest[middle:])
    return catalogs


def main():
    """Measure, print and, if asked, write the figures."""
    if sys.argv[1:2] == ["--child"]:
        function, *words = sys.argv[2:]
        print(json.dumps(globals()[function](*map(json.loads, words))))
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
    adopt_orphans()
    with tempfile.TemporaryDirectory() as folder:
        options = {name: value for name, value in vars(arguments).items() if not isinstance(value, Path)}
        existing = arguments.demo and str(arguments.demo)
        _, (demo, catalogs) = run_child("prepare", folder, existing, options)
        report(arguments, demo, catalogs)


def report(arguments, demo, catalogs):
    """Run every comparison and tell of it."""
    figures, pairs = {}, {}

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
        print(f"{'':>13}  {run['seconds']:.1f} s, {run['cpu'] / run['seconds']:.2f} cores busy", flush=True)
        return seconds

    for _ in range(arguments.rounds):
        plain, plain_cpu = note("plain way", measure("run_plain", demo, catalogs["plain"]))
        one, one_cpu = note("-j 1", measure("run_tool", demo, catalogs["usual"]))
        total = arguments.growth[-1]
        longest, halves = [catalogs[str(total)]], [catalogs["first half"], catalogs["second half"]]
        all_by_one, all_by_two, all_by_halves = (
            note_command(name, measure_command(demo, parts, total, jobs))
            for name, parts, jobs in (
                ("command -j 1", longest, 1),
                ("command -j 2", longest, 2),
                ("two commands", halves, 1),
            )
        )
        for name, ratio in (
            ("annotated_j1", plain / one),
            ("annotated_cpu", plain_cpu / one_cpu),
            ("j2_vs_j1", all_by_one / all_by_two),
            ("two_commands_vs_j1", all_by_one / all_by_halves),
        ):
            pairs.setdefault(name, []).append(ratio)
    ratios = {name: statistics.median(values) for name, values in pairs.items()}
    peaks = {}
    for total in arguments.growth:
        run = measure("run_tool", demo, catalogs[str(total)])
        note(f"{total} sources", run)
        peaks[total] = run["peak_MB"]
    if len(peaks) > 1:
        first, *_, last = peaks
        ratios[f"memory_{last}_vs_{first}"] = peaks[last] / peaks[first]
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"ratios": ratios, "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
