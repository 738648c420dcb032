"""Measure what the pipeline costs beyond its pictures, and how that grows.

The step is run on more and more detectors, in every way that there is: by the
plain command, by pipetask in one process and in two, and by bps with Parsl,
a job for each visit and a job for each quantum. Each run is a process of its
own on a fresh repository. A straight line through the sizes tells what one
more quantum costs, without what it takes to start.

What pipetask adds to a quantum is told apart by two more runs: the task by
itself, which puts nothing, and an idle task with the same connections
(`idle_task.py`), which makes nothing.

Quantum graphs are made of more quanta than are run, in a repository whose
images are empty files. On the smaller graphs the idle task runs as jobs of bps
do (`pipetask run-qbb`), so that what bps does last can be measured by itself:
`butler aggregate-graph`, which enters all outputs into the repository.

    python benchmarks/scale.py --json scale.json
    python benchmarks/scale.py --rounds 1 --detectors 1 4 --graph-visits 5 10    # a quick look
    python benchmarks/scale.py --size 4000 --detectors 1 4 8 --graph-visits 10 50 100 --json scale.json
    python benchmarks/scale_tables.py scale.json > doc/lsst.analysis.ap/scale.rst.inc
"""

import argparse
import contextlib
import ctypes
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
DEMO_RUN = "DemoCam/runs/demo"
SOURCES_RUN = "scale/sources"
INPUTS = f"{SOURCES_RUN},{DEMO_RUN}"
OUTPUT = "u/scale"
TASK = "lsst.analysis.ap.ZooniverseCutoutsPipelineTask"
SOURCES, CUTOUTS = "dia_source_detector", "dia_source_cutouts"
IMAGES = {
    "template": "template_detector",
    "science": "preliminary_visit_image",
    "difference": "difference_image",
}
GRAPH_DETECTORS = 189
FIRST_VISIT = 2026011000001
PR_SET_CHILD_SUBREAPER = 36

KINDS = (
    "direct",
    "task",
    "idle",
    "pipetask_j1",
    "bps_by_visit",
    "pipetask_j2",
    "bps_by_quantum",
)
SLOW = KINDS[-2:]
"""Those that start a process for each quantum, for which two sizes must do."""


def make_pictures(repo, query):
    """Run the task on every table, with nothing around it."""
    from lsst.daf.butler import Butler

    from lsst.analysis.ap import ZooniverseCutoutsPipelineTask

    task = ZooniverseCutoutsPipelineTask()
    with Butler.from_config(repo, collections=INPUTS.split(",")) as butler:

        def find(name):
            return {ref.dataId: butler.getDeferred(ref) for ref in butler.query_datasets(name, where=query)}

        images = {role: find(name) for role, name in IMAGES.items()}
        for data_id, table in find(SOURCES).items():
            task.run(table, **{role: handles[data_id] for role, handles in images.items()})


def make_command(kind, repo, query, folder):
    """Return the words that make the pictures in one of the ways."""
    place = ["-b", repo, "-i", INPUTS, "-o", OUTPUT, "-d", query]
    pipetask = ["pipetask", "run", *place, "--register-dataset-types"]
    which = ["--catalog-dataset", SOURCES, "--data-query", query, "--collections", INPUTS]
    return {
        "direct": ["zooniverseCutouts", "--quiet", *which, repo, folder / "direct"],
        "task": [sys.executable, __file__, "--pictures", repo, query],
        "idle": [*pipetask, "-t", "idle_task.IdleTask:zooniverseCutouts"],
        "pipetask_j1": [*pipetask, "-t", f"{TASK}:zooniverseCutouts"],
        "pipetask_j2": [*pipetask, "-t", f"{TASK}:zooniverseCutouts", "-j", 2],
        "bps_by_visit": ["bps", "submit", write_bps_config(folder), *place],
        "bps_by_quantum": ["bps", "submit", write_bps_config(folder, "single_quantum_clustering"), *place],
    }[kind]


def write_bps_config(folder, clustering="dimension_clustering"):
    """Write a configuration that differs from the package's own in how it clusters."""
    path = folder / f"{clustering}.yaml"
    path.write_text(
        "includeConfigs: [resource://lsst.analysis.ap/bps/parsl_local.yaml]\n"
        f"clusterAlgorithm: lsst.ctrl.bps.quantum_clustering_funcs.{clustering}\n"
    )
    return path


def measure(words, folder):
    """Run a command in a process of its own; return what it took."""
    words = [str(BIN / words[0]), *map(str, words[1:])]
    env = os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PWD": str(folder),  # where bps submits from
        "PYTHONPATH": f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    done = subprocess.run(
        [sys.executable, __file__, "--child", *words], cwd=folder, env=env, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


def child(words):
    """Run a command, and print what it and everything that it started took."""
    # Parsl's workers outlive their parents: have them come here to be waited for.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    log = Path("log.txt")
    start = time.perf_counter()
    with log.open("w") as stream:
        status = subprocess.run(words, stdout=stream, stderr=subprocess.STDOUT).returncode
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(words)}\n{log.read_text()[-5000:]}")
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    # That of children is added to that of their parent when they have ended.
    io = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    figures = {
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_MB": usage.ru_maxrss / 1024,
        "read_MB": int(io["rchar"]) / 1e6,
    }
    print(json.dumps(figures))


def copy_repository(repo, folder):
    """Copy what a run changes in a repository, and link the rest."""
    copy = folder / "repo"
    copy.mkdir()
    for item in repo.iterdir():
        if item.is_dir():
            (copy / item.name).symlink_to(item)
        else:
            shutil.copy(item, copy)
    return copy


def put_sources(repo, per_detector):
    """Put tables of DiaSources that all have as many rows."""
    import numpy as np
    from lsst.daf.butler import Butler

    rng = np.random.default_rng(1)
    with Butler.from_config(str(repo), writeable=True, run=SOURCES_RUN) as butler:
        for number, ref in enumerate(butler.query_datasets(SOURCES, collections=DEMO_RUN)):
            table = butler.get(ref)
            rows = table[rng.choice(len(table), per_detector, replace=len(table) < per_detector)]
            for name in ("ra", "dec"):  # a little aside, so that no picture is there twice
                rows[name] += rng.uniform(-2e-4, 2e-4, per_detector)
            rows["diaSourceId"] = np.arange(per_detector) + 10**17 + number * 10**6
            butler.put(rows, SOURCES, ref.dataId)


def make_graph_repository(root, visits):
    """Make a repository with many visits of a large camera, and no pixel."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from lsst.daf.butler import Butler, DatasetRef, DatasetType, FileDataset

    Butler.makeRepo(str(root))
    camera = {"instrument": "DemoCam"}
    detectors = [
        {"id": n, "full_name": f"R{n // 9:02d}_S{n % 9}", "purpose": "SCIENCE"}
        for n in range(GRAPH_DETECTORS)
    ]
    night = {"physical_filter": "r_demo", "day_obs": 20260110}
    ids = [FIRST_VISIT + n for n in range(visits)]
    pairs = [{"visit": visit, "detector": detector["id"]} for visit in ids for detector in detectors]
    records = {
        "physical_filter": [{"name": "r_demo", "band": "r"}],
        "day_obs": [{"id": 20260110}],
        "detector": detectors,
        "visit": [night | {"id": visit, "name": str(visit)} for visit in ids],
        "visit_detector_region": pairs,
    }
    table = root / "table.parq"
    pq.write_table(pa.table({"diaSourceId": pa.array([], pa.int64())}), table)
    types = dict.fromkeys(IMAGES.values(), "DifferenceImage")
    types |= {IMAGES["science"]: "VisitImage", SOURCES: "ArrowAstropy"}
    with Butler.from_config(str(root), writeable=True, run=DEMO_RUN) as butler:
        registry = butler.registry
        registry.insertDimensionData(
            "instrument", {"name": "DemoCam", "class_name": "lsst.pipe.base.Instrument"}
        )
        for element, rows in records.items():
            registry.insertDimensionData(element, *(camera | row for row in rows))
        data_ids = [registry.expandDataId(camera | pair) for pair in pairs]
        dimensions = butler.dimensions.conform(["instrument", "visit", "detector"])
        for name, storage_class in types.items():
            dataset_type = DatasetType(name, dimensions, storage_class)
            registry.registerDatasetType(dataset_type)
            files = []
            for data_id in data_ids:
                # As long a path as a real one, for it is in the graph.
                place = f"{DEMO_RUN}/{name}/20260110/r/r_demo/{data_id['visit']}"
                suffix = ".parq" if name == SOURCES else ".fits"
                path = f"{place}/{name}_DemoCam_r_r_demo_{data_id['visit']}_{data_id['detector']}{suffix}"
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                if name == SOURCES:
                    os.link(table, root / path)
                else:
                    (root / path).touch()
                files.append(FileDataset(path, [DatasetRef(dataset_type, data_id, run=DEMO_RUN)]))
            butler.ingest(*files, transfer=None, record_validation_info=False)
    # PostgreSQL gathers statistics by itself. Without them SQLite reads all visits of a detector for each.
    with contextlib.closing(sqlite3.connect(root / "gen3.sqlite3")) as database:
        database.execute("ANALYZE")
        database.commit()


def run_all(repo, arguments, scratch):
    """Run every kind on its sizes; return the figures of each run."""
    runs = {kind: [] for kind in (*KINDS, "export")}

    def run(kind, size, words, folder):
        figures = measure(words, folder)
        figures["quanta"] = size * arguments.visits
        figures["sources"] = figures["quanta"] * arguments.per_detector
        runs[kind].append(figures)
        print(
            f"{kind:>14}, {figures['quanta']:3} quanta: {figures['cpu']:6.1f} s CPU, "
            f"{figures['seconds']:6.1f} s, {figures['peak_MB']:5.0f} MB",
            flush=True,
        )
        return figures

    for size in arguments.detectors:
        query = f"instrument = 'DemoCam' AND detector < {size}"
        for kind in KINDS:
            if kind in SLOW and size not in arguments.detectors[:2]:
                continue
            with tempfile.TemporaryDirectory(dir=scratch) as name:
                folder = Path(name)
                copy = copy_repository(repo, folder)
                figures = run(kind, size, make_command(kind, copy, query, folder), folder)
                if kind not in ("direct", "task"):
                    made = [path.stat().st_size for path in (copy / OUTPUT).rglob(f"{CUTOUTS}_*.parq")]
                    assert len(made) == figures["quanta"], f"{kind} made {len(made)} tables"
                if kind == "pipetask_j1":
                    files = [*(copy / OUTPUT).rglob("*_log_*"), *(copy / OUTPUT).rglob("*_metadata_*")]
                    figures["table_bytes"] = sum(made)
                    figures["log_bytes"] = sum(path.stat().st_size for path in files)
                    which = ["--collections", OUTPUT, "--data-query", query]
                    words = ["zooniverseCutoutsExport", "--quiet", *which, copy, folder / "export"]
                    pictures = run("export", size, words, folder)
                    files = (folder / "export").glob("*.png")
                    pictures["png_bytes"] = sum(path.stat().st_size for path in files)
    return runs


def enter_outputs(root, counts, scratch):
    """Run idle quanta as jobs of bps do, and enter what they leave; return what the latter took each time."""
    entered = []
    for count in counts:
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            folder = Path(name)
            graph = folder / "all.qg"
            query = f"instrument = 'DemoCam' AND visit = {FIRST_VISIT} AND detector < {count}"
            place = ["-b", root, "-i", DEMO_RUN, "-o", f"u/idle{count}", "-d", query]
            save = ["--save-qgraph", graph, "--qgraph-datastore-records"]
            measure(
                ["pipetask", "qgraph", *place, "-t", "idle_task.IdleTask:zooniverseCutouts", *save], folder
            )
            measure(["pipetask", "pre-exec-init-qbb", root, graph], folder)
            measure(["pipetask", "run-qbb", root, graph], folder)
            words = ["butler", "aggregate-graph", graph, root, "-j", 2, "--register-dataset-types"]
            figures = measure(words, folder) | {"quanta": count}
        entered.append(figures)
        print(
            f"outputs of {figures['quanta']} quanta entered: {figures['cpu']:.1f} s CPU, "
            f"{figures['seconds']:.1f} s, {figures['peak_MB']:.0f} MB",
            flush=True,
        )
    return entered


def make_graphs(root, visits, scratch):
    """Make quantum graphs of growing size; return what each took."""
    graphs = []
    for count in visits:
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            folder = Path(name)
            query = f"instrument = 'DemoCam' AND visit < {FIRST_VISIT + count}"
            place = ["-b", root, "-i", DEMO_RUN, "-o", f"u/graph{count}", "-d", query]
            save = ["--save-qgraph", folder / "all.qg", "--qgraph-datastore-records"]
            words = ["pipetask", "qgraph", *place, "-t", f"{TASK}:zooniverseCutouts", *save]
            figures = measure(words, folder)
            figures["quanta"] = count * GRAPH_DETECTORS
            figures["bytes"] = (folder / "all.qg").stat().st_size
            prepare = ["bps", "prepare", write_bps_config(folder), *place]
            figures["prepare_cpu"] = measure(prepare, folder)["cpu"]
        graphs.append(figures)
        print(
            f"graph of {figures['quanta']} quanta: {figures['cpu']:.1f} s CPU, {figures['peak_MB']:.0f} MB, "
            f"{figures['bytes']} bytes; bps prepare {figures['prepare_cpu']:.1f} s CPU",
            flush=True,
        )
    return graphs


def fit(points, name, against="quanta"):
    """Return slope and beginning of the straight line through some figures."""
    import numpy as np

    return tuple(map(float, np.polyfit([p[against] for p in points], [p[name] for p in points], 1)))


def summarize(rounds, graphs, entered):
    """Return ratios, and what one more quantum or source costs."""

    def slope(kind, name, against="quanta"):
        return statistics.median(fit(runs[kind], name, against)[0] for runs in rounds)

    cpu = {kind: slope(kind, "cpu") for kind in KINDS}
    peaks = [[run["peak_MB"] for run in runs["pipetask_j1"]] for runs in rounds]
    ratios = {
        "overhead_vs_noop": (cpu["pipetask_j1"] - cpu["task"]) / cpu["idle"],
        **{f"{kind}_vs_direct": cpu[kind] / cpu["direct"] for kind in KINDS[3:]},
        "memory_largest_vs_smallest": statistics.median(peak[-1] / peak[0] for peak in peaks),
    }
    if len(graphs) > 2:
        ratios["graph_seconds_last_vs_first"] = fit(graphs[-2:], "cpu")[0] / fit(graphs[:2], "cpu")[0]
    largest, exported = (rounds[0][kind][-1] for kind in ("pipetask_j1", "export"))
    figures = {
        "cpu_s_per_quantum": cpu,
        "wall_s_per_quantum": {kind: slope(kind, "seconds") for kind in KINDS},
        "cpu_s_to_start": {
            kind: statistics.median(fit(runs[kind], "cpu")[1] for runs in rounds) for kind in KINDS
        },
        "cpu_s_per_job": cpu["bps_by_quantum"] - cpu["pipetask_j1"],
        "bps_final_cpu_s": max(each["cpu"] for each in entered),
        "bps_final_quanta": entered[-1]["quanta"],
        "read_MB_per_quantum": slope("pipetask_j1", "read_MB"),
        "peak_MB": max(map(max, peaks)),
        "table_bytes_per_source": largest["table_bytes"] / largest["sources"],
        "log_bytes_per_quantum": largest["log_bytes"] / largest["quanta"],
        "export_cpu_s_per_source": slope("export", "cpu", "sources"),
        "export_wall_s_per_source": slope("export", "seconds", "sources"),
        "png_bytes_per_source": exported["png_bytes"] / exported["sources"],
        "graph_cpu_s_per_quantum": fit(graphs, "cpu")[0],
        "graph_prepare_cpu_s_per_quantum": fit(graphs, "prepare_cpu")[0],
        "graph_bytes_per_quantum": fit(graphs, "bytes")[0],
        "graph_MB_per_quantum": fit(graphs, "peak_MB")[0],
        "quanta": largest["quanta"],
        "graph_quanta": graphs[-1]["quanta"],
    }
    return ratios, figures


def main():
    """Measure, print and, if asked, write the figures."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
        return
    if sys.argv[1:2] == ["--pictures"]:
        make_pictures(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=400, help="pixels per side of a detector")
    parser.add_argument("--visits", type=int, default=2)
    parser.add_argument("--detectors", type=int, nargs="+", default=[1, 4, 12], help="growing numbers")
    parser.add_argument("--per-detector", type=int, default=53, help="sources per detector")
    parser.add_argument("--graph-visits", type=int, nargs="+", default=[5, 10, 20], help="growing numbers")
    parser.add_argument(
        "--final-quanta", type=int, nargs="+", default=[20, 40, 80], help="early Pythons fail at 120"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--demo", type=Path, help="a demo of that size that is there already")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    from lsst.analysis.ap.demo import make_demo

    scratch = Path(tempfile.mkdtemp())
    try:
        root = (arguments.demo or scratch / "demo").absolute()
        if not (root / "repo").exists():
            make_demo(root, size=arguments.size, visits=arguments.visits, detectors=arguments.detectors[-1])
        (scratch / "sources").mkdir()
        repo = copy_repository(root / "repo", scratch / "sources")
        put_sources(repo, arguments.per_detector)
        rounds = [run_all(repo, arguments, scratch) for _ in range(arguments.rounds)]
        root = scratch / "graphs"
        make_graph_repository(root, max(arguments.graph_visits))
        graphs = make_graphs(root, arguments.graph_visits, scratch)
        entered = enter_outputs(root, arguments.final_quanta, scratch)
    finally:
        shutil.rmtree(scratch)
    ratios, figures = summarize(rounds, graphs, entered)
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    figures |= {"size": arguments.size, "per_detector": arguments.per_detector}
    print(json.dumps(figures, indent=1))
    if arguments.json:
        figures |= {"rounds": rounds, "graphs": graphs, "entered": entered}
        arguments.json.write_text(json.dumps({"ratios": ratios, "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
