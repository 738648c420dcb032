"""Compare the start of this package with that of the butler, by the processor's time.

limit10_vs_butler is what the command takes for ten annotated pictures from an
APDB in SQLite, manifest and journal included, and show_vs_butler what a first
``task.show(row)`` takes in a fresh process; both against a process that opens
the repository and asks it for the images of a detector. help_vs_python is
``zooniverseCutouts --help`` against ``python -c pass``.

Each figure is the processor's time (user and system, children included) of a
whole process, the least of several rounds: what else the machine does only
adds to it. In a round each process runs once. A first round is not counted:
it lets Python write its byte code, as an installation does.

    python benchmarks/start.py --json start.json
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

RUN = "DemoCam/runs/demo"

BUTLER = """
import sys
from lsst.daf.butler import Butler
butler = Butler(sys.argv[1])
where = "instrument = 'DemoCam' AND visit = {visit} AND detector = {detector}"
found = butler.query_datasets("preliminary_visit_image", collections=sys.argv[2], where=where)
assert len(found) == 1
"""

SHOW = """
import sys
from lsst.analysis.ap import ZooniverseCutoutsTask
task = ZooniverseCutoutsTask.from_repository(*sys.argv[1:3])
task.show({row})
"""


def main():
    """Measure, print and, if asked, write the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--demo", type=Path, help="a demo that is there already")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.demo or Path(folder, "demo")
        if not root.exists():
            made = "from lsst.analysis.ap.demo import make_demo; "
            made += f"make_demo({str(root)!r}, visits=1, detectors=1)"
            subprocess.run([sys.executable, "-c", made], check=True)
        commands = commands_for(root, f"{folder}/pictures")
        rounds = [
            {name: seconds(words) for name, words in commands.items()} for _ in range(arguments.rounds + 1)
        ]
    least = {name: min(each[name] for each in rounds[1:]) for name in commands}
    for name, value in least.items():
        print(f"{name:>8}: {value:6.3f} s CPU")
    ratios = {
        "limit10_vs_butler": least["limit10"] / least["butler"],
        "show_vs_butler": least["show"] / least["butler"],
        "help_vs_python": least["help"] / least["python"],
    }
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"ratios": ratios, "seconds": least}, indent=1) + "\n")


def commands_for(root, outdir):
    """Return what is measured, as words of a command line by name."""
    python = [sys.executable]
    repo, apdb = f"{root}/repo", f"{root}/apdb.sqlite3"
    command = [*python, "-m", "lsst.analysis.ap"]
    row = first_row(apdb)
    return {
        "python": [*python, "-c", "pass"],
        "help": [*command, "--help"],
        "butler": [*python, "-c", BUTLER.format_map(row), repo, RUN],
        "limit10": [
            *command,
            *("--quiet", "--overwrite", "--sqlitefile", apdb, "--limit", "10", "-c", "addMetadata=True"),
            *("--collections", RUN, repo, outdir),
        ],
        "show": [*python, "-c", SHOW.format(row=row), repo, RUN],
    }


def first_row(apdb):
    """Return a DiaSource, as Python objects by column."""
    import sqlite3

    with sqlite3.connect(apdb) as database:
        database.row_factory = sqlite3.Row
        columns = "diaSourceId, visit, detector, ra, dec, band, psfFlux, psfFluxErr, snr, reliability"
        return dict(database.execute(f'SELECT {columns} FROM "DiaSource" ORDER BY diaSourceId').fetchone())


def seconds(words):
    """Run a process; return the processor's seconds that it and its children took."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
