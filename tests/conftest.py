import csv
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from lsst.analysis.ap.demo import make_demo


@pytest.fixture(scope="session")
def afw_root():
    """A butler repository that the real afw wrote; not to be written to."""
    return Path(__file__).parent / "data" / "afw" / "repo"


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """A small synthetic sky: its butler repository and its APDB."""
    return make_demo(tmp_path_factory.mktemp("demo"), size=400, visits=2, detectors=2, sources_per_detector=8)


@pytest.fixture(scope="session")
def butler(demo):
    from lsst.daf.butler import Butler

    return Butler.from_config(demo.repo, collections=demo.collection)


@pytest.fixture(scope="session")
def sources(demo):
    """Every DiaSource of the small sky, as a data frame."""
    from lsst.analysis.ap.sources import Selection, SqlApdb

    (table,) = SqlApdb.from_sqlite(demo.apdb).read(Selection())
    # Identifiers with nulls would become floats, and lose their last digits.
    return table.to_pandas(types_mapper=lambda kind: pd.Int64Dtype() if kind == pa.int64() else None)


@pytest.fixture(scope="session")
def one_detector(sources):
    """Those of one image."""
    first = sources.iloc[0]
    return sources[(sources["visit"] == first["visit"]) & (sources["detector"] == first["detector"])]


@pytest.fixture(scope="session")
def task(butler):
    """The task with its defaults."""
    from lsst.analysis.ap import ZooniverseCutoutsTask

    return ZooniverseCutoutsTask(butler=butler)


@pytest.fixture(scope="session")
def annotated(butler):
    """A function that returns a task for annotated pictures, with these fields."""
    from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask

    def make(butler=butler, **fields):
        config = ZooniverseCutoutsConfig()
        config.addMetadata = True
        config.update(**fields)
        return ZooniverseCutoutsTask(config, butler=butler)

    return make


@pytest.fixture(scope="session")
def contents():
    """A function that returns every file of a run but those that tell of the run itself."""

    def read(folder):
        files = (p for p in folder.iterdir() if p.is_file() and p.name[0] != "." and p.name != "report.json")
        return {p.name: p.read_bytes() for p in files}

    return read


@pytest.fixture(scope="session")
def manifest():
    """A function that returns the rows of the manifest of a directory."""

    def read(folder):
        with open(folder / "manifest.csv", newline="") as stream:
            return list(csv.DictReader(stream))

    return read


@pytest.fixture
def damaged_demo(demo, tmp_path):
    """A copy of the small sky, for tests that remove or damage its files."""
    return Path(shutil.copytree(demo.repo, tmp_path / "repo"))


@pytest.fixture
def words(demo):
    """The words of a command that say where the small sky is."""
    return ["--quiet", "--collections", demo.collection, str(demo.repo)]


@pytest.fixture
def apdb(demo):
    """The words that take its sources from the APDB."""
    return ["--sqlitefile", str(demo.apdb)]


@pytest.fixture
def refused(capsys):
    """A function that returns the one line that a refused command says."""

    def run(words, command=None):
        from lsst.analysis.ap.cli.cutouts import main

        try:
            status = (command or main)(words)
        except SystemExit as stop:
            status = stop.code
        said = capsys.readouterr()
        assert status == 2
        assert "Traceback" not in said.err
        lines = [line for line in said.err.splitlines() if line and not line.startswith(("usage:", " "))]
        assert len(lines) == 1
        return lines[0]

    return run
