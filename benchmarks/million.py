"""Find out whether a run stays the same from its first source to its millionth.

One small detector with its three images is entered into a butler repository
for as many visits as are needed, and its DiaSources into an APDB (SQLite) as
many times, so that a million pictures need neither a survey nor its disk. A
process makes all pictures with `ZooniverseCutoutsTask.run`, in folders of
10,000. It is killed (SIGKILL) at a random moment and started again; then it
runs once more, with nothing to do. A run on a tenth of the sources goes before.

rate_last_vs_first: pictures a second in the last tenth over those in the first;
cpu_rate_last_vs_first: the same for seconds of the processor, which others do not share.
memory_last_vs_first: memory of the process and its workers, likewise: what is theirs alone (Pss_Anon), as
the part of the libraries that counts for them depends on who else has them.
resume_seconds: from the start of the second process to its first new picture.
lists_per_row_vs_tenth: seconds of the processor from the last picture to the end, for each source, over the
same in a run on a tenth of the sources;
skip_per_row_vs_tenth: the same for the run that finds all pictures there, its start included.

    python benchmarks/million.py --sources 20000    # a quick look
    python benchmarks/million.py --sources 1000000 --json million.json
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PER_DETECTOR = 50
PER_FOLDER = 10_000
FIRST_ID = 10**17
FIRST_VISIT = 2026011100001
TYPES = ("template_detector", "preliminary_visit_image", "difference_image")


def make_visits(root, sources):
    """Make a repository and an APDB with so many sources; return their places."""
    from lsst.daf.butler import Butler, DatasetRef, FileDataset

    from lsst.analysis.ap.demo import make_demo

    demo = make_demo(root, size=500, visits=1, detectors=1, sources_per_detector=PER_DETECTOR)
    visits = range(FIRST_VISIT, FIRST_VISIT + -(-sources // PER_DETECTOR))
    with Butler.from_config(str(demo.repo), writeable=True, run="million") as butler:
        (old,) = butler.query_dimension_records("visit", instrument="DemoCam")
        (region,) = butler.query_dimension_records("visit_detector_region", instrument="DemoCam")
        with butler.transaction():
            for record in (old, region):
                key = "id" if record is old else "visit"
                rows = [record.toDict() | {key: visit} for visit in visits]
                if record is old:
                    rows = [row | {"name": str(row["id"])} for row in rows]
                butler.registry.insertDimensionData(record.definition.name, *rows)
        for name in TYPES:
            (ref,) = butler.query_datasets(name, collections=demo.collection)
            data_ids = [butler.registry.expandDataId({**ref.dataId.required, "visit": v}) for v in visits]
            refs = [DatasetRef(ref.datasetType, data_id, run="million") for data_id in data_ids]
            file = FileDataset(butler.getURI(ref), refs)
            butler.ingest(file, transfer="direct", record_validation_info=False)
    put_sources(demo.apdb, len(visits))
    return demo


def put_sources(apdb, visits):
    """Give each visit the DiaSources of the one that is there, in place of that."""
    with contextlib.closing(sqlite3.connect(apdb)) as db, db:
        columns = [name for _, name, *_ in db.execute("PRAGMA table_info('DiaSource')")]
        db.execute(
            "CREATE TEMP TABLE model AS SELECT d.* FROM json_each('[0, 1, 2, 3]'), DiaSource AS d "
            f"ORDER BY value, diaSourceId LIMIT {PER_DETECTOR}"
        )
        assert db.execute("SELECT count(*) FROM model").fetchone() == (PER_DETECTOR,)
        db.execute("DELETE FROM DiaSource")
        new = {
            "diaSourceId": f"{FIRST_ID} + visits.n * {PER_DETECTOR} + model.rowid - 1",
            "visit": f"{FIRST_VISIT} + visits.n",
        }
        values = ", ".join(new.get(name, f'"{name}"') for name in columns)
        db.execute(
            "INSERT INTO DiaSource WITH RECURSIVE visits(n) AS "
            f"(SELECT 0 UNION ALL SELECT n + 1 FROM visits WHERE n + 1 < {visits}) "
            f"SELECT {values} FROM visits, model"
        )


def make_pictures(repo, collections, apdb, outdir, jobs):
    """Make all pictures, as a user would from Python; print what became of the sources."""
    from lsst.analysis.ap import ZooniverseCutoutsTask
    from lsst.analysis.ap.sources import Selection, SqlApdb

    task = ZooniverseCutoutsTask.from_repository(repo, collections.split(","), chunkSize=PER_FOLDER)
    result = task.run(SqlApdb.from_sqlite(apdb).read(Selection()), outdir, jobs=int(jobs))
    print(json.dumps([len(result.written), len(result.skipped), len(result.failed)]))


class Folders:
    """Counts the pictures of a directory, without looking twice into a folder that is full."""

    def __init__(self, outdir):
        self.outdir, self.full = outdir, {}

    def count(self):
        """Return how many pictures there are."""
        if not self.outdir.exists():
            return 0
        number = 0
        for entry in os.scandir(self.outdir):
            if entry.is_dir():
                found = self.full.get(entry.name) or sum(f.name.endswith(".png") for f in os.scandir(entry))
                if found == PER_FOLDER:
                    self.full[entry.name] = found
                number += found
        return number


class Run:
    """A process that makes pictures, and what is seen of it from outside."""

    def __init__(self, demo, outdir, jobs, step, kill_at=None):
        words = [demo.repo, f"million,{demo.collection}", demo.apdb, outdir, jobs]
        self.samples = []
        """Seconds from the start, pictures, memory in megabytes, and seconds of the processor."""
        folders, start = Folders(outdir), time.perf_counter()
        before = folders.count()
        words = [sys.executable, __file__, "--child", *map(str, words)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            ended = threading.Event()
            waiter = threading.Thread(target=lambda: (process.wait(), ended.set()))
            waiter.start()
            while not ended.wait(step if self.samples and folders.count() > before else 0.1):
                number = folders.count()
                self.samples.append((time.perf_counter() - start, number, *usage(process.pid)))
                if kill_at is not None and number >= kill_at:
                    os.kill(process.pid, signal.SIGKILL)
                    kill_at = None
            waiter.join()
            self.seconds = time.perf_counter() - start
            output = process.stdout.read()
        self.counts = json.loads(output) if output else None
        made = [at for at, number, *_ in self.samples if number > before]
        self.first = made[0] if made else None
        """When the first new picture was there."""
        last = self.samples[-1][1]
        self.last = next(at for at, number, *_ in self.samples if number == last)
        """When the last one was."""


def usage(pid):
    """Return memory in megabytes (Pss_Anon) and CPU seconds of a process and of those that it started."""
    kilobytes, ticks, todo = 0, 0, [pid]
    while todo:
        one = todo.pop()
        with contextlib.suppress(OSError):  # it may have ended
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # of itself, and of children that have ended
            for task in Path(f"/proc/{one}/task").iterdir():
                todo += map(int, (task / "children").read_text().split())
    return kilobytes / 1000, ticks / os.sysconf("SC_CLK_TCK")


def tenths(runs, sources):
    """Return for each tenth of the sources pictures a second, a CPU second, and memory."""
    rates, cpu_rates, memories = [], [], []
    for tenth in range(10):
        low, high = tenth * sources / 10, (tenth + 1) * sources / 10
        seconds = cpu = pictures = 0
        held = []
        for run in runs:
            for before, after in zip(run.samples, run.samples[1:], strict=False):
                if low <= before[1] < after[1] <= high:
                    seconds, pictures = seconds + after[0] - before[0], pictures + after[1] - before[1]
                    cpu += after[3] - before[3]
                    held.append(after[2])
        rates.append(pictures / seconds if held else None)
        cpu_rates.append(pictures / cpu if held else None)
        memories.append(statistics.median(held) if held else None)
    return rates, cpu_rates, memories


def cpu_after(run, moment):
    """Return the CPU seconds of a run from a moment on."""
    seconds = [sample[3] for sample in run.samples if sample[0] >= moment]
    return max(seconds) - (seconds[0] if moment else 0)  # of one that has ended there are none


def measure(scratch, sources, jobs, seed):
    """Run on so many sources, with a kill if there is a seed for its moment; return the figures."""
    demo = make_visits(scratch / f"demo{sources}", sources)
    print(f"{sources:,} sources are in {demo.apdb}", flush=True)
    outdir = scratch / f"out{sources}"
    step = max(0.2, min(5.0, sources / 20_000))
    runs = []
    if seed is not None:
        moment = random.Random(seed).randrange(sources // 2, sources * 9 // 10)
        runs.append(Run(demo, outdir, jobs, step, moment))
    runs.append(Run(demo, outdir, jobs, step))
    again = Run(demo, outdir, jobs, step)
    assert runs[-1].counts[2] == 0, runs[-1].counts
    assert again.counts == [0, sources, 0], again.counts
    rates, cpu_rates, memories = tenths(runs, sources)
    figures = {
        "sources": sources,
        "jobs": jobs,
        "pictures_per_s": rates,
        "pictures_per_cpu_s": cpu_rates,
        "memory_MB": memories,
        "peak_MB": max(sample[2] for run in runs for sample in run.samples),
        "seconds": sum(run.seconds for run in runs),
        "lists_s": runs[-1].seconds - runs[-1].last,
        "lists_cpu_s": cpu_after(runs[-1], runs[-1].last),
        "skip_s": again.seconds,
        "skip_cpu_s": cpu_after(again, 0),
        "skip_peak_MB": max(sample[2] for sample in again.samples),
        "journal_MB": (outdir / ".journal.sqlite3").stat().st_size / 1e6,
        "manifest_MB": (outdir / "manifest.csv").stat().st_size / 1e6,
        "apdb_MB": demo.apdb.stat().st_size / 1e6,
    }
    if seed is not None:
        figures |= {
            "killed_at": moment,
            "resume_s": runs[-1].first,
            "resume_cpu_s": next(s[3] for s in runs[-1].samples if s[0] >= runs[-1].first),
        }
    print(json.dumps(figures), flush=True)
    shutil.rmtree(outdir)
    shutil.rmtree(demo.repo.parent)
    return figures


def main():
    """Measure, print and, if asked, write the figures."""
    if sys.argv[1:2] == ["--child"]:
        make_pictures(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sources", type=int, default=1_000_000)
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, help="decides when the process is killed; random by default")
    parser.add_argument("--folder", type=Path, help="where there is room, 20 kB for each source")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    sources = -(-arguments.sources // (10 * PER_DETECTOR)) * 10 * PER_DETECTOR
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        small = measure(Path(scratch), sources // 10, arguments.jobs, None)
        large = measure(Path(scratch), sources, arguments.jobs, seed)
    tenths_of = {
        "rate_last_vs_first": "pictures_per_s",
        "cpu_rate_last_vs_first": "pictures_per_cpu_s",
        "memory_last_vs_first": "memory_MB",
    }
    ratios = {
        **{ratio: large[name][-1] / large[name][0] for ratio, name in tenths_of.items()},
        "resume_seconds": large["resume_s"],
        **{
            f"{name}_per_row_vs_tenth": large[f"{name}_cpu_s"] / small[f"{name}_cpu_s"] / 10
            for name in ("lists", "skip")
        },
    }
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if arguments.json:
        figures = {"large": large, "small": small, "seed": seed}
        arguments.json.write_text(json.dumps({"ratios": ratios, "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
