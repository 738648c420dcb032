"""Make the same pictures directly, with pipetask and with BPS, and compare every byte.

python tests/stress/distributed.py DEMO OUT
"""

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

COLLECTION = "DemoCam/runs/demo"
LOOKS = ["-c", "zooniverseCutouts:pictures.addMetadata=True"]
PIPELINE = "resource://lsst.analysis.ap/pipelines/zooniverseCutouts.yaml"
BPS = Path(__file__).parents[2] / "bps" / "parsl_local.yaml"


def run(out, *words):
    """Run a command of this environment in a folder; what it says goes to a file there."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    log = out / f"{words[0]}.log"
    print("  " + " ".join(map(str, words)), flush=True)
    with log.open("ab") as stream:
        done = subprocess.run(
            list(map(str, words)), cwd=out, env=environment, stdout=stream, stderr=subprocess.STDOUT
        )
    if done.returncode:
        print(log.read_text(), file=sys.stderr)
        raise SystemExit(f"{words[0]} ended with status {done.returncode}: see {log}")


def contents(folder):
    """Return what a run leaves for its user, and what its journal holds of each source."""
    files = (
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("report.json", "config.py")
    )
    found = {str(path.relative_to(folder)): path.read_bytes() for path in files if path.name[0] != "."}
    with closing(sqlite3.connect(folder / ".journal.sqlite3")) as journal:
        for table in ("picture", "failure"):
            query = f"SELECT * FROM {table} ORDER BY diaSourceId"
            found[f"journal of {table}s"] = journal.execute(query).fetchall()
    return found


def make_all(demo, out):
    """Make the pictures in each way, and return the folders."""
    repo = Path(shutil.copytree(demo / "repo", out / "repo"))
    folders = [out / "direct"]
    apdb = ("--sqlitefile", demo / "apdb.sqlite3")
    run(
        out, "zooniverseCutouts", "-c", "addMetadata=True", *apdb, "--collections", COLLECTION, repo, "direct"
    )
    run(
        *(out, "pipetask", "run", "-j", 2, "-b", repo, "-i", COLLECTION, "-o", "u/demo/pipetask"),
        *("-p", PIPELINE, *LOOKS, "--register-dataset-types"),
    )
    run(
        *(out, "bps", "submit", BPS, "-b", repo, "-i", COLLECTION, "-o", "u/demo/bps"),
        *("-d", "instrument = 'DemoCam'", "--extra-qgraph-options", " ".join(LOOKS)),
    )
    for name in ("pipetask", "bps"):
        run(out, "zooniverseCutoutsExport", "--collections", f"u/demo/{name}", repo, name)
        folders.append(out / name)
    return folders


def main():
    """Make the pictures, and say whether they are the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path, help="what zooniverseCutoutsDemo made")
    parser.add_argument("out", type=Path, help="folder to work in; what is in it is lost")
    arguments = parser.parse_args()
    demo, out = arguments.demo.resolve(), arguments.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    direct, *others = make_all(demo, out)
    expected = contents(direct)
    pictures = sum(name.endswith(".png") for name in expected)
    assert pictures, f"{direct} has no pictures"
    for folder in others:
        found = contents(folder)
        if differing := sorted(n for n in {*found, *expected} if found.get(n) != expected.get(n)):
            raise SystemExit(f"{folder} differs from {direct} in {', '.join(differing)}")
        print(f"{folder.name}: {pictures} pictures, lists and journal as of the direct run, byte for byte")


if __name__ == "__main__":
    main()
