import csv

import pyarrow as pa

from lsst.analysis.ap.cli.compare import main


def test_a_run_compared_with_itself_has_not_changed(demo, tmp_path, capsys):
    words = ["--before", demo.collection, "--after", demo.collection, "--limit", "4", "--quiet"]
    assert main([*words, str(demo.repo), str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "compared       4" in said
    assert "beyond --limit" in said
    with (tmp_path / "comparison.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["found"] for row in rows] == ["both"] * 4
    assert [(row["flux_ratio"], row["noise_ratio"]) for row in rows] == [("1.0", "1.0")] * 4
    assert {path.name for path in tmp_path.glob("*.png")} == {row["picture"] for row in rows}


def test_those_of_one_run_alone_come_first_also_of_a_later_visit(demo, sources, tmp_path, monkeypatch):
    some = sources.sort_values("visit").iloc[[-1, 0, 1]].assign(found=["after", "both", "both"])
    monkeypatch.setattr("lsst.analysis.ap.cli.compare._sources", lambda *_: pa.Table.from_pandas(some))
    words = ["--before", demo.collection, "--after", demo.collection, "--quiet"]
    assert main([*words, str(demo.repo), str(tmp_path)]) == 0
    with (tmp_path / "comparison.csv").open(newline="") as stream:
        assert [row["found"] for row in csv.DictReader(stream)] == ["after", "both", "both"]


def test_an_unknown_collection_is_one_line(demo, tmp_path, capsys):
    words = ["--before", demo.collection, "--after", "nowhere", "--quiet"]
    assert main([*words, str(demo.repo), str(tmp_path / "out")]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
