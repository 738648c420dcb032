import fcntl
import os
import pickle
import shutil
import sqlite3
from contextlib import suppress
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from lsst.utils.packages import getPythonPackages
from sqlalchemy import Engine, event
from tests import reading

from lsst.analysis.ap.demo import make_demo


@pytest.fixture(scope="session", autouse=True)
def installed_packages_are_listed_once():
    """The stack looks for the versions of all that is imported for each graph, most of a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lsst.utils.packages.getPythonPackages", cache(getPythonPackages))
        yield


@pytest.fixture(scope="session", autouse=True)
def repositories_need_not_outlive_a_power_failure():
    """Butlers wait for the disk at each of their thousands of commits; our journal is not one of theirs."""

    def hurry(connection, _):
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", hurry)
    yield
    event.remove(Engine, "connect", hurry)


@pytest.fixture(scope="session")
def afw_root():
    """A butler repository that the real afw wrote; not to be written to."""
    return Path(__file__).parent / "data" / "afw" / "repo"


DEMOS = {
    "demo": {"size": 400, "visits": 2, "detectors": 2, "sources_per_detector": 8},
    "long": {"seed": 6, "size": 240, "visits": 11, "detectors": 1, "sources_per_detector": 9},
}
"""The demos that most tests look at."""


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """A function that makes a demo once for all processes that run these tests."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def make(name, wait=fcntl.LOCK_EX, **options):
        done = root / f"{name}.pickle"
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, wait)
            if not done.exists():
                done.write_bytes(pickle.dumps(make_demo(root / name, **options)))
        return pickle.loads(done.read_bytes())

    def make_or_help(name, **options):
        if name in DEMOS and not (root / f"{name}.pickle").exists():
            for each in sorted(DEMOS, key=name.__ne__):  # while another process makes one, make another
                with suppress(BlockingIOError):
                    make(each, fcntl.LOCK_EX | fcntl.LOCK_NB, **DEMOS[each])
                    break
        return make(name, **options)

    return make_or_help


@pytest.fixture(scope="session")
def demo(once):
    """A small synthetic sky: its butler repository and its APDB; not to be written to."""
    return once("demo", **DEMOS["demo"])


@pytest.fixture(scope="session")
def long_demo(once):
    """A small field, observed about as often as that of the usual demo; not to be written to."""
    return once("long", **DEMOS["long"])


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
    return reading.manifest


@pytest.fixture
def repo(demo, tmp_path):
    """A copy of the repository of the small sky, to be written to and damaged."""
    return Path(shutil.copytree(demo.repo, tmp_path / "repo"))


@pytest.fixture
def disk(monkeypatch):
    """A list of what is done about power failures: which files are synced and renamed, by path."""
    done, replace = [], os.replace

    def sync(descriptor):
        done.append(("sync", os.readlink(f"/proc/self/fd/{descriptor}")))

    def rename(old, new):
        done.append(("rename", str(old)))
        replace(old, new)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    return done


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
