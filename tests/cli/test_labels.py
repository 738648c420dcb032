"""The command that joins what volunteers said to the pictures they saw, and the way back to pictures."""

import csv
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.zooniverse.volunteers import Project, Subject, is_real, make_volunteers, work

from lsst.analysis.ap.cli.cutouts import main as make_pictures
from lsst.analysis.ap.cli.labels import main


@pytest.fixture(scope="module")
def pictures(demo, tmp_path_factory):
    """A directory with pictures and stamps of the small sky."""
    folder = tmp_path_factory.mktemp("loop") / "pictures"
    words = ["--quiet", "--collections", demo.collection, "--sqlitefile", str(demo.apdb)]
    options = ["-c", "sizes=21", "-c", "writeStamps=npy"]
    assert make_pictures([*words, *options, str(demo.repo), str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def exports(pictures):
    """What volunteers said of them, and what is known of some."""
    rng = random.Random(4)
    with (pictures / "manifest.csv").open(newline="") as stream:
        subjects = [Subject(700 + n, row) for n, row in enumerate(csv.DictReader(stream))]
    project = Project()
    gold = {subject.number for subject in subjects[::4]}
    work(project, subjects, make_volunteers(30, rng), rng, gold=gold)
    known = pictures.parent / "gold.csv"
    lines = [
        f"{s.metadata['diaSourceId']},{'real' if is_real(s) else 'bogus'}"
        for s in subjects
        if s.number in gold
    ]
    known.write_text("\n".join(["diaSourceId,answer", *lines]) + "\n")
    return project.write_classifications(pictures.parent / "classifications.csv.gz"), known


def test_help_teaches_and_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from lsst.analysis.ap.cli.labels import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'lsst.pipe.base', 'pandas', 'pyarrow', 'matplotlib', 'panoptes_client'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for word in ("EXPORT", "--method", "--gold", "labels.parquet", "examples:", "exit status"):
        assert word in done.stdout


def test_votes_become_labels_and_labels_become_pictures_again(pictures, exports, demo, tmp_path, capsys):
    export, gold = exports
    assert main(["--quiet", "--method", "weights", "--gold", str(gold), str(pictures), str(export)]) == 0
    said = dict(line.strip().split(None, 1) for line in capsys.readouterr().out.splitlines()[1:])
    assert said["workflow"] == "77 'Real or bogus?', version 12.34, task T0"
    assert said["answers"] == "real: real; bogus: bogus"
    assert said["volunteers"] == "30"
    assert said["labels"] == f"{pictures}/labels.parquet"
    written = {"labels.parquet", "volunteers.parquet", "unjoined.csv", "calibration.csv", "labels.json"}
    assert written | {"calibration.png"} <= {path.name for path in pictures.iterdir()}

    labels = pq.read_table(pictures / "labels.parquet").to_pandas()
    catalogue = pd.read_parquet(pictures / "stamps_catalogue.parquet")
    assert labels["diaSourceId"].tolist() == catalogue["diaSourceId"].tolist()
    truth = pd.read_csv(gold).merge(labels, on="diaSourceId")
    decided = truth[truth["label"].notna()]
    assert (decided["label"] == decided["answer"]).mean() > 0.95
    assert set(labels["label"].dropna()) == {"real", "bogus"}

    again = tmp_path / "again"
    words = ["--quiet", "--collections", demo.collection, "--catalog", str(pictures / "labels.parquet")]
    options = ["--where", "label == 'bogus'", "-c", "sizes=21", "-c", "writeStamps=npy"]
    assert make_pictures([*words, *options, str(demo.repo), str(again)]) == 0
    bogus = labels[labels["label"] == "bogus"]
    assert {path.name for path in again.glob("*.png")} == {f"{i}.png" for i in bogus["diaSourceId"]}
    for path in again.glob("*.png"):
        assert path.read_bytes() == (pictures / path.name).read_bytes()
    # The stamps come with the whole row, and so with their label.
    stamped = pd.read_parquet(again / "stamps_catalogue.parquet")
    assert stamped["label"].tolist() == ["bogus"] * len(bogus)
    before = np.load(pictures / "stamps.npy")[bogus.index]
    assert np.array_equal(np.load(again / "stamps.npy"), before, equal_nan=True)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            ["--prior", "0.3"],
            "method 'fractions' has no constant prior; weights has. (On the command line: --method",
        ),
        (
            ["--method", "weights"],
            "gold standard in a file, or fakes. (On the command line: --gold, --fakes.)",
        ),
        (["--workflow", "5"], "no classifications of workflow 5"),
        (["--accept", "0.05"], "real from 0.05 on"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(pictures, exports, capsys, words, reason):
    assert main([*words, str(pictures), str(exports[0])]) == 2
    said = capsys.readouterr()
    assert not said.out
    (line,) = said.err.splitlines()
    assert line.startswith("zooniverseCutoutsLabels: error: ")
    assert reason in line


def test_what_is_not_joined_makes_the_status_one(pictures, exports, tmp_path, capsys):
    project = Project()
    for number, row in enumerate(({"diaSourceId": "1"}, {"diaSourceId": "2"})):
        project.classify(Subject(number, row), make_volunteers(2, random.Random(1))[1], "Real")
    export = project.write_classifications(tmp_path / "other.csv")
    assert main(["--quiet", str(pictures), str(export)]) == 1
    assert "unjoined       2" in capsys.readouterr().out
    rows = (pictures / "unjoined.csv").read_text().splitlines()
    assert rows[0] == '"subject_id","classifications","reason"'
    assert rows[1] == '"0",1,"DiaSource 1 has no picture in the directory"'
