"""What goes with the selected sources: others mixed in, marks of training subjects, a file of them."""

import csv
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lsst.analysis.ap.cli._write_catalog import write_catalog
from lsst.analysis.ap.cli.cutouts import main


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """A thousand sources, of which a hundred are fakes and fifty say nothing of it."""
    rng = np.random.default_rng(5)
    count = 1000
    fake = np.zeros(count, object)
    fake[:] = False
    chosen = rng.permutation(count)
    fake[chosen[:100]] = True
    fake[chosen[100:150]] = None
    frame = pd.DataFrame(
        {
            "diaSourceId": 2**60 + rng.permutation(count),
            "visit": rng.integers(1, 5, count),
            "detector": rng.integers(0, 9, count),
            "ra": rng.uniform(10, 11, count),
            "dec": rng.uniform(-1, 1, count),
            "band": rng.choice(["r", "i"], count),
            "snr": rng.uniform(1, 20, count),
            "pixelFlags_injected": pd.array(fake, "boolean"),
        }
    )
    path = tmp_path_factory.mktemp("catalogue") / "c.parquet"
    frame.to_parquet(path)
    return path, frame


@pytest.fixture
def selected(catalogue, tmp_path):
    """A function that returns what some words select, as a data frame."""

    def select(*words):
        out = tmp_path / "selected.parquet"
        out.unlink(missing_ok=True)
        assert main(["--catalog", str(catalogue[0]), "--dry-run", *words, "--write-catalog", str(out)]) == 0
        return pd.read_parquet(out)

    return select


def fakes(frame):
    return int(frame["pixelFlags_injected"].fillna(False).sum())


def test_a_share_of_the_sample_meets_another_condition(selected, catalogue):
    found = selected("--sample", "100", "--mix", "pixelFlags_injected:20%", "--seed", "3")
    assert (len(found), fakes(found)) == (100, 20)
    assert set(found["diaSourceId"]) <= set(catalogue[1]["diaSourceId"])
    assert found["diaSourceId"].is_unique
    again = selected("--sample", "100", "--mix", "pixelFlags_injected:20%", "--seed", "3")
    pd.testing.assert_frame_equal(found, again)
    other = selected("--sample", "100", "--mix", "pixelFlags_injected:20%", "--seed", "4")
    assert set(found["diaSourceId"]) != set(other["diaSourceId"])


def test_without_a_sample_all_others_stay(selected, catalogue):
    frame = catalogue[1]
    real = frame[~frame["pixelFlags_injected"].fillna(False)]
    found = selected("--mix", "pixelFlags_injected:7")
    assert (len(found), fakes(found)) == (len(real) + 7, 7)
    assert set(real["diaSourceId"]) < set(found["diaSourceId"])  # those without a value, too
    found = selected("--mix", "pixelFlags_injected:10%")
    assert fakes(found) == 100 == round(0.1 * len(found))
    found = selected("--where", "snr > 17", "--mix", "pixelFlags_injected:25%")
    assert fakes(found) == pytest.approx(0.25 * len(found), abs=1)


def test_sources_come_by_detector_wherever_they_are_from(selected):
    found = selected("--sample", "300", "--mix", "pixelFlags_injected:20%")
    places = list(zip(found["visit"], found["detector"], strict=True))
    assert places == sorted(places)


def test_what_is_mixed_in_is_of_the_same_places_only(selected):
    found = selected("--band", "r", "--visit", "2,3", "--snr-min", "15", "--mix", "pixelFlags_injected:20")
    assert set(found["band"]) == {"r"}
    assert set(found["visit"]) <= {2, 3}
    mixed = found[found["pixelFlags_injected"].fillna(False)]
    assert len(mixed) == 20
    assert mixed["snr"].min() < 15 <= found.drop(mixed.index)["snr"].min()


def test_several_kinds_are_mixed_in(selected):
    found = selected("--sample", "200", "--mix", "pixelFlags_injected:10%", "--mix", "snr > 19:30")
    assert len(found) == 200
    assert fakes(found[found["snr"] <= 19]) + fakes(found[found["snr"] > 19]) >= 20
    assert (found["snr"] > 19).sum() >= 30


def test_less_than_asked_for_is_warned_of(selected, caplog):
    selected("--sample", "5000")
    assert "The sample has 1000 sources, not 5000" in caplog.text
    caplog.clear()
    found = selected("--mix", "pixelFlags_injected:300")
    assert fakes(found) == 100
    said = [r.message for r in caplog.records if "were to be mixed in" in r.message]
    assert said == ["Only 100 sources meet 'pixelFlags_injected'; 300 were to be mixed in."]
    caplog.clear()
    selected("--sample", "100", "--mix", "pixelFlags_injected:10")
    assert "sample has" not in caplog.text


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--mix", "pixelFlags_injected"], "is not CONDITION:SHARE"),
        (["--mix", ":5%"], "is not CONDITION:SHARE"),
        (["--mix", "pixelFlags_injected:100%"], "less than 100%"),
        (["--mix", "pixelFlags_injected:0"], "more than nothing"),
        (["--mix", "pixelFlags_injekted:5%"], "no column 'pixelFlags_injekted'"),
        (["--mix", "pixelFlags_injected:60%", "--mix", "snr > 3:60%"], "leave nothing for the other sources"),
        (["--sample", "10", "--mix", "pixelFlags_injected:10"], "leave nothing of a sample of 10"),
        (["--gold", "nowhere.csv"], "nowhere.csv cannot be read: No such file"),
    ],
)
def test_additions_that_make_no_sense_are_refused(refused, catalogue, words, cause):
    assert cause in refused(["--catalog", str(catalogue[0]), "--dry-run", *words])


def test_training_subjects_carry_the_right_answer(words, apdb, sources, tmp_path, caplog):
    few = sources["diaSourceId"].tolist()[:6]
    gold = tmp_path / "gold.csv"
    lines = [f"{few[0]},0,Well seen!,", f"{few[2]},1,,No: it is a dipole.", "1,1,,"]
    gold.write_text("\n".join(["diaSourceId,answer,successMessage,failureMessage", *lines]) + "\n")
    ids = ",".join(map(str, few))
    out = tmp_path / "out"
    assert main([*apdb, "--ids", ids, "--gold", str(gold), *words, str(out)]) == 0
    assert "1 of the 3 sources with a known answer are not among those that are selected" in caplog.text
    with (out / "manifest.csv").open(newline="") as stream:
        rows = {int(row["diaSourceId"]): row for row in csv.DictReader(stream)}
    names = ("training_subject", "feedback_1_id", "feedback_1_answer")
    names += ("feedback_1_successMessage", "feedback_1_failureMessage")
    assert [rows[few[0]][f"#{name}"] for name in names] == ["true", "gold", "0", "Well seen!", "null"]
    assert [rows[few[2]][f"#{name}"] for name in names] == [
        "true",
        "gold",
        "1",
        "null",
        "No: it is a dipole.",
    ]
    assert [rows[few[1]][f"#{name}"] for name in names] == ["false", "null", "null", "null", "null"]
    assert json.loads((out / "report.json").read_text())["runs"][0]["gold"] == str(gold)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("diaSourceId,answer\n12,real\n", "row 1: 'real' is no number of an answer, 0 for the first"),
        ("diaSourceId,answer\n12,0\n5.06E+17,1\n", r"row 2: '5.06E+17' is no diaSourceId"),
        ("id,answer\n12,1\n", "has no diaSourceId"),
        ("", "has no rows"),
    ],
)
def test_a_file_of_answers_that_is_none_is_refused(refused, catalogue, tmp_path, text, cause):
    (tmp_path / "gold.csv").write_text(text)
    words = ["--catalog", str(catalogue[0]), "--dry-run", "--gold", str(tmp_path / "gold.csv")]
    assert cause in refused(words)


def test_fakes_become_training_subjects_in_one_command(words, sources, tmp_path):
    frame = sources.assign(pixelFlags_injected=[n % 3 == 0 for n in range(len(sources))])
    frame.to_parquet(tmp_path / "c.parquet")
    choices = ["-c", "manifestColumns=+#training_subject=pixelFlags_injected", "-c", "manifestOrder=random"]
    out = tmp_path / "out"
    mix = ["--sample", "20", "--mix", "pixelFlags_injected:25%"]
    assert main(["--catalog", str(tmp_path / "c.parquet"), *mix, *choices, *words, str(out)]) == 0
    with (out / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    fakes = set(frame["diaSourceId"][frame["pixelFlags_injected"]])
    marked = {int(row["diaSourceId"]) for row in rows if row["#training_subject"] == "true"}
    assert len(rows) == 20
    assert marked == {int(row["diaSourceId"]) for row in rows} & fakes
    assert len(marked) == 5
    (run,) = json.loads((out / "report.json").read_text())["runs"]
    assert (run["mix"], run["written"]) == ("pixelFlags_injected:25%", 20)


def test_a_selection_is_written_with_all_its_columns(catalogue, tmp_path, refused):
    path, frame = catalogue
    out = tmp_path / "selection.parquet"
    words = ["--catalog", str(path), "--dry-run", "--write-catalog", str(out)]
    assert main([*words, "--where", "snr > 10"]) == 0
    found = pd.read_parquet(out)
    assert set(found.columns) >= set(frame.columns)
    assert set(found["diaSourceId"]) == set(frame["diaSourceId"][frame["snr"] > 10])
    assert main([*words, "--where", "snr > 10"]) == 0  # the same again
    assert "is there already and differs" in refused([*words, "--where", "snr > 12"])
    assert len(pd.read_parquet(out)) == len(found)
    assert main([*words, "--where", "snr > 12", "--overwrite"]) == 0
    assert len(pd.read_parquet(out)) < len(found)
    assert [p.name for p in tmp_path.iterdir()] == [out.name]
    assert main(["--catalog", str(out), "--dry-run"]) == 0  # and it is a catalogue


def test_tables_with_other_columns_go_into_one_file(tmp_path):
    tables = [
        pa.table({"diaSourceId": [1, 2], "a": pa.nulls(2)}),
        pa.table({"diaSourceId": [3], "b": ["x"]}),
        pa.table({"diaSourceId": [4], "a": [1.5], "b": ["y"]}),
    ]
    assert write_catalog(iter(tables), tmp_path / "c.parquet", overwrite=False) == 4
    assert pq.read_table(tmp_path / "c.parquet").to_pylist() == [
        {"diaSourceId": 1, "a": None, "b": None},
        {"diaSourceId": 2, "a": None, "b": None},
        {"diaSourceId": 3, "a": None, "b": "x"},
        {"diaSourceId": 4, "a": 1.5, "b": "y"},
    ]


def test_an_interrupted_writing_leaves_nothing(tmp_path):
    def tables():
        yield pa.table({"diaSourceId": [1]})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_catalog(tables(), tmp_path / "c.parquet", overwrite=False)
    assert not list(tmp_path.iterdir())
