"""Compare whole runs with the plain way of making the same pictures.

The plain way gets the three images of a detector whole from the butler, keeps
those of the last detectors, and draws and saves one matplotlib figure for
each source. Every run is a process of its own; times begin when it has made
one picture, and so has done its imports. Each pair of runs that a ratio
compares follows the other at once; processes are compared on the longest
catalogue, start-up of the processes included.

    python benchmarks/endtoend.py --json endtoend.json
    python benchmarks/endtoend.py --size 1000 --detectors 2 --growth 100 1000    # a quick look
"""

import argparse
import functools
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAIN_LIMIT = 60
"""Sources that the plain way draws; its time per source is what counts."""


def run_tool(demo, catalog, outdir, jobs):
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
    result = task.run(sources, outdir, jobs=jobs)
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


def measure(kind, demo, catalog, jobs=1):
    """Run in a process of its own; return seconds, CPU seconds, peak megabytes and sources."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, "--child", kind, json.dumps(demo), str(catalog)]
        done = subprocess.run(
            [*words, str(Path(folder, "out")), str(jobs)], stdout=subprocess.PIPE, text=True, check=True
        )
    return json.loads(done.stdout.splitlines()[-1])


def child(kind, demo, catalog, outdir, jobs):
    """Do one measured run in this process."""
    demo = json.loads(demo)
    seconds, sources = (
        run_tool(demo, catalog, outdir, int(jobs)) if kind == "tool" else run_plain(demo, catalog, outdir)
    )
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    figures = {
        "seconds": seconds,
        "sources": sources,
        "cpu": sum(u.ru_utime + u.ru_stime for u in usage),
        "peak_MB": max(u.ru_maxrss for u in usage) / 1024,
    }
    print(json.dumps(figures))


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
            f"{name:>12}: {rate:7.1f} sources/s, {run['cpu']:6.1f} s CPU, {run['peak_MB']:6.0f} MB",
            flush=True,
        )
        return run["seconds"] / run["sources"], run["cpu"] / run["sources"]

    for _ in range(arguments.rounds):
        plain, plain_cpu = note("plain way", measure("plain", demo, catalogs["plain"]))
        one, one_cpu = note("-j 1", measure("tool", demo, catalogs["usual"]))
        longest = catalogs[arguments.growth[-1]]
        all_by_one, _ = note("longest -j 1", measure("tool", demo, longest))
        all_by_two, _ = note("longest -j 2", measure("tool", demo, longest, jobs=2))
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
