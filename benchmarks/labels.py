"""Compare ways to make labels of a classification export.

Writes a directory with the journal of many pictures and a classification
export as Zooniverse makes it, about 2 kB a row, and measures
`lsst.analysis.ap.zooniverse.read_labels`, files written included, against

- the usual way: `pandas.read_csv`, ``json.loads`` on each row, a group by
  source and answer, without the pictures, weights and files;
- the floor: `pyarrow.csv` reading the same columns and nothing else.

Each runs in a process of its own, in turns, so that its memory is its own;
only ratios within one run mean anything. The usual way needs about 5 kB of
memory for each classification.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

COLUMNS = (
    *("instrument", "visit", "detector", "band", "diaObjectId", "ra", "dec", "midpointMjdTai", "snr"),
    *("psfFlux", "psfFluxErr", "apFlux", "apFluxErr", "scienceFlux", "scienceFluxErr", "isDipole"),
    "reliability",
)
HEADER = (
    "classification_id,user_name,user_id,user_ip,workflow_id,workflow_name,workflow_version,created_at,"
    "gold_standard,expert,metadata,annotations,subject_data,subject_ids\n"
)
READ = (
    *("classification_id", "user_name", "user_id", "workflow_id", "workflow_name", "workflow_version"),
    *("created_at", "annotations", "subject_data", "subject_ids"),
)
METADATA = {
    "source": "api",
    "session": "7a1f4a17d190291faa1824be3b3febf1d8b77a4f2d25dd6f191f76ef335684bf",
    "viewport": {"width": 1710, "height": 948},
    "started_at": "2026-01-10T12:16:35.085Z",
    "finished_at": "2026-01-10T12:17:42.334Z",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0",
    "utc_offset": "18000",
    "live_project": True,
    "interventions": {"opt_in": False, "messageShown": False},
    "user_language": "en",
    "subject_dimensions": [
        {"clientWidth": 558, "clientHeight": 419, "naturalWidth": 900, "naturalHeight": 400}
    ],
    "subject_selection_state": {
        "retired": False,
        "selected_at": "2026-01-10T12:16:35.003Z",
        "already_seen": False,
        "selection_state": "normal",
        "finished_workflow": False,
        "user_has_finished_workflow": False,
    },
    "workflow_translation_id": "28176",
}
FIRST = 506428274000000000
PER_SOURCE = 5


def quoted(value: object) -> str:
    """Return JSON as a cell of CSV."""
    return '"' + json.dumps(value, separators=(",", ":")).replace('"', '""') + '"'


def catalogue_row(number: int, rng: random.Random) -> dict[str, str]:
    values = {name: f"{rng.uniform(5, 5000):.6f}" for name in COLUMNS}
    return values | {"reliability": f"{rng.random():.4f}", "isDipole": "false", "band": "r"}


def make_directory(path: Path, rows: list[dict[str, str]]) -> None:
    from lsst.analysis.ap.domain import DetectorVisit
    from lsst.analysis.ap.output import Journal, ManifestForm, OutputDirectory, Picture

    directory = OutputDirectory(path)
    with Journal(directory) as journal:
        for start in range(0, len(rows), 1000):
            place = DetectorVisit("Cam", 2026011000000 + start // 100_000, start // 1000 % 100)
            journal.record(
                Picture(FIRST + n, place, f"{FIRST + n}.png", 20_000, rows[n])
                for n in range(start, min(start + 1000, len(rows)))
            )
        form = ManifestForm("panoptes", tuple(f"#{name}" for name in COLUMNS))
        form.write(directory, journal.pictures(), journal.add_manifest)


def make_export(path: Path, rows: list[dict[str, str]], number: int) -> None:
    """Write classifications: most by few volunteers, one source in fifty a training subject."""
    rng = random.Random(2)
    subjects = []
    for n, row in enumerate(rows):
        status = {
            "id": 125510348 + n,
            "workflow_id": 77,
            "classifications_count": 1,
            "created_at": "2026-01-10T09:44:28.745Z",
            "updated_at": f"2026-01-10T16:{n % 60:02d}:42.488Z",
            "retired_at": f"2026-01-10T16:{n % 60:02d}:42.479Z",
            "subject_id": 96588114 + n,
            "retirement_reason": rng.choice(("consensus", "classification_count")),
        }
        gold = {"#training_subject": "true", "#feedback_1_answer": str(n % 2)} if n % 50 == 0 else {}
        known = {"filename": f"{FIRST + n}.png", "diaSourceId": str(FIRST + n)}
        data = {"retired": status, **known, **{f"#{name}": value for name, value in row.items()}, **gold}
        subjects.append(quoted({str(96588114 + n): data}))
    answers = [quoted([{"task": "T0", "task_label": "Is it real?", "value": v}]) for v in ("Real", "Bogus")]
    metadata, moment = quoted(METADATA), datetime(2026, 1, 10, tzinfo=UTC)
    with path.open("w") as stream:
        stream.write(HEADER)
        for k in range(number):
            n, user = rng.randrange(len(rows)), int(rng.paretovariate(0.7)) % 20_000
            says = rng.random() < 0.2 if n % 2 else rng.random() < 0.85
            moment += timedelta(seconds=rng.randrange(3))
            who = f"volunteer_{user},{user + 1000},b644753d0e3948f81dc2"
            what = f"77,Real or bogus,16.55,{moment:%Y-%m-%d %H:%M:%S} UTC,,,{metadata},{answers[not says]}"
            stream.write(f"{543695319 + k},{who},{what},{subjects[n]},{96588114 + n}\n")


def ours(directory: str, export: str) -> object:
    from lsst.analysis.ap.zooniverse import Weights, read_labels

    labels = read_labels(directory, [export], method=Weights(), write=True, progress=False)
    return labels.report["classifications"]["votes"]


def usual(directory: str, export: str) -> object:
    import pandas as pd

    table = pd.read_csv(export, usecols=list(READ))
    table["answer"] = [json.loads(text)[0]["value"] for text in table["annotations"]]
    table["source"] = [next(iter(json.loads(text).values()))["diaSourceId"] for text in table["subject_data"]]
    table = table.sort_values("created_at").drop_duplicates(["source", "user_name"], keep="last")
    votes = table.groupby(["source", "answer"]).size().unstack(fill_value=0)
    return int(votes.to_numpy().sum())


def floor(directory: str, export: str) -> object:
    import pyarrow as pa
    from pyarrow import csv

    columns = csv.ConvertOptions(include_columns=list(READ), column_types=dict.fromkeys(READ, pa.string()))
    return sum(len(batch) for batch in csv.open_csv(export, convert_options=columns))


WAYS: dict[str, Callable[[str, str], object]] = {"ours": ours, "usual": usual, "floor": floor}


def measure(way: str, directory: Path, export: Path) -> dict[str, float]:
    """Return what a process of its own needed."""
    words = [sys.executable, __file__, "--way", way, str(directory), str(export)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def run_way(way: str, directory: str, export: str) -> None:
    start, used = time.perf_counter(), time.process_time()
    result = WAYS[way](directory, export)
    found = {"s": time.perf_counter() - start, "CPU s": time.process_time() - used, "MB": most_memory()}
    print(json.dumps({**found, "result": result}))


def most_memory() -> float:
    """Return the most memory that this process had, in MB.

    What `resource.getrusage` tells includes that of the process that started
    this one.
    """
    status = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1e3


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the ratios and the figures to this file")
    parser.add_argument(
        "--classifications", type=int, default=1_000_000, help="rows of the export (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds per median (default: %(default)s)")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("places", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.way:
        run_way(arguments.way, *arguments.places)
        return 0
    number, rng = arguments.classifications, random.Random(1)
    rows = [catalogue_row(n, rng) for n in range(max(1, number // PER_SOURCE))]
    with tempfile.TemporaryDirectory(prefix="labels-") as root:
        directory, export = Path(root, "pictures"), Path(root, "classifications.csv")
        make_directory(directory, rows)
        make_export(export, rows, number)
        print(f"{number} classifications of {len(rows)} sources, {export.stat().st_size / 1e6:.0f} MB")
        found = [{way: measure(way, directory, export) for way in WAYS} for _ in range(arguments.rounds)]
    if any(each["ours"]["result"] != each["usual"]["result"] for each in found):
        raise SystemExit("The two ways count different votes.")
    figures = {
        f"{way} [{unit}]": statistics.median(each[way][unit] for each in found)
        for way in WAYS
        for unit in ("s", "CPU s", "MB")
    }
    for way in WAYS:
        wall, used, memory = (figures[f"{way} [{unit}]"] for unit in ("s", "CPU s", "MB"))
        print(f"{way:6s} {wall:7.2f} s, {used:7.2f} s of CPU time, {memory:7.0f} MB")
    ratios = {
        "usual_vs_ours": figures["usual [s]"] / figures["ours [s]"],
        "usual_memory_vs_ours": figures["usual [MB]"] / figures["ours [MB]"],
        "ours_vs_floor": figures["ours [s]"] / figures["floor [s]"],
    }
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"ratios": ratios, "figures": figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
