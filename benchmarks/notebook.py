"""Compare what a notebook shows with what `run` writes, in processor time for a source.

Makes the demo's sky with one visit, and registers its three images
as those of 83 visits. Everything is done in one process by one task:

- ``show``: the sources of one visit, one after the other, each by a call of
  `ZooniverseCutoutsTask.show` of its own,
- ``show50``: 50 of them by one call,
- ``history``: the stamps and the light curve of an object in 83 visits,
- ``run``: the pictures of the same sources in a directory: for ``show`` and
  ``show50`` those of the visit, for ``history`` the object's one source in
  each of the 83 visits.

All are warm: each has been done once before. Of `run` the start is left out,
which is what a run of no source takes. Ways take turns, and the least time of
some rounds counts. `show` makes the HTML or the PNG that a notebook gets and
sends it nowhere.

    python benchmarks/notebook.py --json notebook.json
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

VISITS, SHOWN = 83, 50


def repeat_visit(demo: Any, visits: int) -> Any:
    """Register the images of the demo's only visit as those of many too, and return all their sources."""
    import numpy as np
    import pyarrow as pa
    from lsst.daf.butler import Butler, DatasetRef, FileDataset

    from lsst.analysis.ap.sources import Selection, SqlApdb

    butler = Butler.from_config(str(demo.repo), collections=demo.collection, writeable=True)
    registry = butler.registry
    (visit,) = butler.query_dimension_records("visit")
    names = ("template_detector", "preliminary_visit_image", "difference_image")
    refs = [ref for name in names for ref in butler.query_datasets(name)]
    table = pa.concat_tables(SqlApdb.from_sqlite(demo.apdb).read(Selection()))
    tables = [table]
    for number in range(1, visits):
        record = {**visit.toDict(), "id": visit.id + number, "name": f"{visit.name}_{number}"}
        registry.insertDimensionData("visit", record)
        for ref in refs:
            source = butler.getURI(ref).ospath
            copy = Path(source).with_suffix(f".{number}.fits")
            os.link(source, copy)  # what reads it does not see that it is one file
            data_id = registry.expandDataId(ref.dataId, visit=record["id"])
            new = DatasetRef(ref.datasetType, data_id, run=f"{demo.collection}/many")
            registry.registerRun(new.run)
            butler.ingest(FileDataset(path=str(copy), refs=[new]), transfer="direct")
        changes = {
            "visit": np.full(len(table), record["id"]),
            "diaSourceId": table["diaSourceId"].to_numpy() + number * 1_000_000,
            "midpointMjdTai": table["midpointMjdTai"].to_numpy() + number * 0.75,
        }
        later = table
        for name, values in changes.items():
            later = later.set_column(later.column_names.index(name), name, pa.array(values))
        tables.append(later)
    return pa.concat_tables(tables)


def processor_time(work: Callable[[], object]) -> float:
    """Return the seconds of processor that some work takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(root: Path, size: int, rounds: int) -> dict[str, Any]:
    """Return the milliseconds of processor for a source, and their ratios."""
    import pyarrow.compute as pc
    from lsst.daf.butler import Butler

    from lsst.analysis.ap import ZooniverseCutoutsTask
    from lsst.analysis.ap.demo import make_demo

    demo = make_demo(root / "demo", size=size, visits=1, detectors=1, sources_per_detector=2 * SHOWN)
    table = repeat_visit(demo, VISITS)
    collections = [f"{demo.collection}/many", demo.collection]
    task = ZooniverseCutoutsTask(butler=Butler.from_config(str(demo.repo), collections=collections))

    visits = pc.unique(table["visit"]).to_pylist()
    shown = table.filter(pc.equal(table["visit"], visits[0])).slice(0, SHOWN)
    assert len(shown) == SHOWN, f"the demo has only {len(shown)} sources: make it larger"
    object_id = shown["diaObjectId"][0].as_py()
    epochs = table.filter(pc.equal(table["diaObjectId"], object_id))
    assert len(epochs) == VISITS
    rows = shown.to_pylist()

    def run(sources: Any) -> None:
        with tempfile.TemporaryDirectory(dir=root) as outdir:
            result = task.run(sources, outdir, progress=False)
            assert len(result.written) == len(sources), result.failed

    def show_each() -> None:
        for row in rows:
            assert isinstance(task.grid(row).outcomes[0], bytes)

    def show_all() -> None:
        assert "base64" in task.grid(shown)._repr_html_()

    def history() -> None:
        found = task.history(object_id, catalog=epochs, limit=VISITS)
        assert (found.shown, len(found.failed)) == (VISITS, 0)

    ways = {
        "start": (lambda: run(shown.slice(0, 0)), 1),
        "run": (lambda: run(shown), SHOWN),
        "run_epochs": (lambda: run(epochs), VISITS),
        "show": (show_each, SHOWN),
        "show50": (show_all, SHOWN),
        "history": (history, VISITS),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, (work, _) in ways.items():
            seconds = processor_time(work)
            if number:  # the first is not warm
                times[name].append(seconds)
    least = {name: min(found) for name, found in times.items()}
    start = least.pop("start")
    per_source = {
        name: 1000 * (seconds - (start if name.startswith("run") else 0)) / ways[name][1]
        for name, seconds in least.items()
    }
    wall = time.perf_counter()
    history()
    return {
        "ratios": {
            "show_vs_run": per_source["show"] / per_source["run"],
            "show50_vs_run": per_source["show50"] / per_source["run"],
            "history_vs_run": per_source["history"] / per_source["run_epochs"],
        },
        "milliseconds_per_source": per_source,
        "history_seconds": time.perf_counter() - wall,
        "rounds": rounds,
        "size": size,
        "processors": os.cpu_count(),
    }


def main() -> None:
    """Measure, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2000, help="pixels per side of a detector")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--json", metavar="FILE", help="write the results to this file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), args.size, args.rounds)
    text = json.dumps(results, indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n")
    if results["ratios"]["show_vs_run"] <= 0:
        sys.exit("a run of no source took longer than one of many: measure again, on a quieter machine")


if __name__ == "__main__":
    main()
