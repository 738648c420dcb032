"""The page on training sets does what it says: its code is run as it stands."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lsst.analysis.ap.cli.cutouts import main as cutouts
from lsst.analysis.ap.cli.demo import main as demo

PAGE = Path(__file__).parents[2] / "doc" / "lsst.analysis.ap" / "training-set.rst"
COMMANDS = {"zooniverseCutouts": cutouts, "zooniverseCutoutsDemo": demo}

pytestmark = pytest.mark.filterwarnings("ignore")


def blocks(title):
    """Return the blocks of code of a section, with their languages."""
    section = PAGE.read_text().split(f"\n{title}\n===")[1].split("\n\n", 1)[1]
    section = re.split(r"\n\n[^\n]+\n={5,}\n", section)[0] + "\n"
    found = re.findall(r"\.\. code-block:: (\w+)\n\n((?:   .*\n|\n)+)", section)
    return [(language, re.sub(r"^   ", "", code, flags=re.MULTILINE)) for language, code in found]


def do(language, code, names, *more):
    """Run a block as a reader would."""
    if language == "python":
        exec(compile(code, str(PAGE), "exec"), names)
        return
    for command in code.replace("\\\n", " ").splitlines():
        if command.strip():
            name, *words = shlex.split(command)
            assert COMMANDS[name]([*words, *more]) == 0


@pytest.fixture(scope="module")
def classified(long_demo, tmp_path_factory):
    """The section on the classifier, done in a directory of its own; returns its names."""
    names = {}

    def take(root, *, size, visits, detectors, **options):
        """Take a sky of about as many sources, which other tests use as well."""
        assert (size, visits, detectors) == (400, 8, 1)
        Path(root).symlink_to(long_demo.repo.parent)
        return long_demo

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("classifier"))
        patch.setattr("lsst.analysis.ap.cli.demo.make_demo", take)
        for language, code in blocks("A classifier, from the sky to its score"):
            do(language, code, names)
        yield names


def test_a_small_classifier_learns_from_the_arrays_alone(classified, capsys):
    """Compared with chance, over several divisions into train and test."""
    (*_, (_, command), (_, learn)) = blocks("A classifier, from the sky to its score")
    areas = []
    for seed in range(2):
        do("bash", command, {}, "--quiet", "-c", f"stampsSeed={seed}")
        names = {"np": np, "pd": pd}
        exec(learn, names)
        objects = names["catalogue"]["diaObjectId"]
        train, test = (set(objects[names[part]].dropna()) for part in ("train", "test"))
        assert train
        assert test
        assert not train & test
        areas.append(names["roc_auc_score"](names["real"][names["test"]], names["score"]))
    assert np.mean(areas) > 0.8
    assert min(areas) > 0.6


def test_labels_are_those_of_the_table(classified):
    catalogue = classified["catalogue"]
    labels = pd.read_csv("labels.csv").set_index("diaSourceId")["label"]
    assert (labels.loc[catalogue["diaSourceId"]].to_numpy() == catalogue["label"].to_numpy()).all()
    card = Path("training/README.md").read_text()
    for word in ("real", "bogus"):
        assert re.search(rf"\| {word} \|.*\| {(catalogue['label'] == word).sum()} \|", card)


def test_the_lines_that_read_the_arrays_do(classified):
    names = {}
    (_, (language, code), *_) = blocks("The arrays")
    do(language, code, names)
    assert names["stamps"].shape[1:] == (3, 21, 21)
    identifiers = pd.read_parquet("demo/truth.parquet")["diaSourceId"]
    assert set(names["catalogue"]["diaSourceId"]) <= set(identifiers)


def test_examples_of_datasets_give_every_stamp_of_a_split(classified):
    words = ["--quiet", "--sqlitefile", "demo/apdb.sqlite3", "--collections", "DemoCam/runs/demo"]
    words += [
        "--no-pictures",
        "-c",
        "sizes=21",
        "-c",
        "stampsLabels=labels.csv",
        "-c",
        "stampsSplit=0.6,0,0.4",
    ]
    assert cutouts([*words, "-c", "writeStamps=parquet", "-c", "stampsShard=17", "demo/repo", "shards"]) == 0
    assert cutouts([*words, "-c", "writeStamps=webdataset", "-c", "stampsShard=20", "demo/repo", "tars"]) == 0
    assert cutouts([*words, "-c", "writeStamps=npy", "demo/repo", "training"]) == 0
    names = {"np": np, "pd": pd}
    for language, code in blocks("Files and formats"):
        do(language, code, names)
    stamps = np.load("training/stamps.npy")
    catalogue = pd.read_parquet("training/stamps_catalogue.parquet")
    for split in ("train", "test"):
        rows = np.flatnonzero(catalogue["split"] == split)
        assert len(rows) > 17
        dataset = names["Stamps"]("training", split)
        assert len(dataset) == len(rows)
        parquet, tar = (
            list(names[f"{n}_samples"](f, split)) for n, f in (("parquet", "shards"), ("tar", "tars"))
        )
        for item, row in enumerate(rows):
            pixels, label = stamps[row], catalogue["label"][row]
            np.testing.assert_array_equal(dataset[item][0], np.nan_to_num(pixels))
            assert dataset[item][1] == (label == "real")
            for found in (parquet[item], tar[item]):
                np.testing.assert_array_equal(found[0], pixels)
                assert found[1] == label


@pytest.mark.parametrize("form", ["npy", "zarr", "parquet"])
def test_the_data_card_says_how_to_load_them(form, classified, monkeypatch):
    words = ["--quiet", "--sqlitefile", "demo/apdb.sqlite3", "--collections", "DemoCam/runs/demo"]
    words += ["--no-pictures", "-c", "sizes=21", "-c", f"writeStamps={form}", "demo/repo", f"card-{form}"]
    assert cutouts(words) == 0
    monkeypatch.chdir(f"card-{form}")
    (code,) = re.findall(r"```python\n(.*?)```", Path("README.md").read_text(), flags=re.DOTALL)
    names = {}
    exec(code, names)
    assert names["stamps"].shape[1:] == (3, 21, 21)
    identifiers = names["identifiers"] if form == "zarr" else names["catalogue"]["diaSourceId"]
    assert len(identifiers) == names["stamps"].shape[0]
