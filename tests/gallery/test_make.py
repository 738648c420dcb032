"""What the command and the functions write."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.gallery.directories import fill, picture, rows
from tests.gallery.waiting import wait_for

from lsst.analysis.ap.cli.gallery import main
from lsst.analysis.ap.domain import CutoutsError, DetectorVisit, SourceBatch
from lsst.analysis.ap.gallery import make_gallery, read_items
from lsst.analysis.ap.gallery._data import page_data
from lsst.analysis.ap.gallery._png_texts import read_picture_facts
from lsst.analysis.ap.output import Journal, OutputDirectory, read_record


def test_the_command_writes_a_page_beside_its_data(directory, tmp_path, capsys):
    assert main([str(directory), str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "index.html")
    text = (tmp_path / "out" / "index.html").read_text()
    for name in [part.split('"')[0] for part in text.split('src="')[1:]] + ["items.parquet"]:
        assert (tmp_path / "out" / name).is_file()


def test_a_misspelt_second_directory_is_not_taken_for_that_of_the_page(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("before", "after"):
        fill(tmp_path / name, rows(1))
    assert main(["before/", "aftr/"]) == 2
    assert "There is no directory aftr. Did you mean after? If the page" in capsys.readouterr().err
    assert not (tmp_path / "aftr").exists()
    (tmp_path / "aftr").mkdir()
    assert main(["before", "aftr"]) == 0
    assert main(["before", "before-page"]) == 0


def test_the_same_pictures_give_the_same_bytes(directory, tmp_path):
    files = []
    for name in ("one", "two"):
        make_gallery(directory, out=tmp_path / name)
        make_gallery(directory, out=tmp_path / name)  # again, over the first
        found = (p for p in (tmp_path / name).rglob("*") if p.is_file())
        files.append({p.relative_to(tmp_path / name): p.read_bytes() for p in found})
    assert files[0] == files[1]


def test_items_parquet_has_every_column_and_the_way_to_each_picture(directory, catalogue, tmp_path):
    make_gallery(directory, out=tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "items.parquet")
    for path, identifier in zip(table["path"].to_pylist(), table["diaSourceId"].to_pylist(), strict=True):
        assert (tmp_path / "out" / path).resolve() == (directory / f"{identifier}.png").resolve()
    assert set(catalogue.column_names) < set(table.column_names)
    ordered = table.select(catalogue.column_names).sort_by("diaSourceId")
    assert ordered.to_pylist() == catalogue.sort_by("diaSourceId").to_pylist()


def test_a_tilde_is_the_home_directory(directory, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").symlink_to(directory)
    assert make_gallery("~/mine", out="~/page") == tmp_path / "page" / "index.html"
    (first, *_) = pq.read_table(tmp_path / "page" / "items.parquet")["path"].to_pylist()
    assert (tmp_path / "page" / first).is_file()


def test_a_page_with_its_pictures_can_be_moved(open_page, tmp_path):
    fill(tmp_path / "pictures", rows(3))
    index = make_gallery(tmp_path / "pictures", out=tmp_path / "out", copy=True)
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    (tmp_path / "pictures").rename(tmp_path / "gone")
    page = open_page(tmp_path / "elsewhere" / index.name)
    wait_for(page, "[...document.querySelectorAll('.tile img')].every((image) => image.complete)")
    assert page.locator(".no-picture").count() == 0


def test_a_picture_that_is_gone_is_told_in_its_place(browser, tmp_path):
    fill(tmp_path / "pictures", rows(3))
    index = make_gallery(tmp_path / "pictures")
    (tmp_path / "pictures" / f"{2**61 + 1}.png").unlink()
    page = browser.new_page()
    page.goto(index.as_uri())
    page.wait_for_selector(".no-picture")
    assert page.locator(".no-picture").all_inner_texts() == ["the file is gone"]
    page.close()


def test_folders_with_odd_names_are_found(open_page, tmp_path):
    folder = fill(tmp_path / "50% 'of' #1? é", rows(2))
    page = open_page(make_gallery(folder, out=tmp_path / "a b"))
    wait_for(page, "[...document.querySelectorAll('.tile img')].every((image) => image.complete)")
    assert page.evaluate("[...document.querySelectorAll('.tile img')].every((i) => i.naturalWidth > 0)")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "There is no directory"),
        (["DIR", "DIR", "DIR"], "3 directories"),
        (["DIR", "nothing", "DIR"], "3 directories"),
        (["DIR", "OTHER"], "something else than a gallery"),
        (["--labels", "real:z", "DIR", "out"], "does something else"),
        (["--labels", "real:r,unreal:r", "DIR", "out"], "key of its own"),
        (["--labels", "real:rr", "DIR", "out"], "one small letter"),
        (["s3://bucket/pictures"], "holds no pictures|not on this machine"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(directory, tmp_path, capsys, words, said, monkeypatch):
    import re

    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    words = [{"DIR": str(directory), "OTHER": str(tmp_path / "other")}.get(word, word) for word in words]
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(said, line)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other"]


def test_a_directory_of_a_run_at_work_is_not_read(tmp_path):
    fill(tmp_path / "pictures", rows(2))
    with (
        OutputDirectory(tmp_path / "pictures") as directory,
        Journal(directory),
        pytest.raises(CutoutsError, match="is writing to"),
    ):
        read_items(tmp_path / "pictures")


def test_a_journal_that_names_other_files_is_refused(tmp_path):
    fill(tmp_path / "pictures", rows(2))
    with OutputDirectory(tmp_path / "pictures") as directory, Journal(directory) as journal:
        journal._db.execute("UPDATE picture SET path = '../../secret.png'")
        journal._db.commit()
    with pytest.raises(CutoutsError, match="is damaged: it names"):
        read_items(tmp_path / "pictures")


def test_a_damaged_picture_is_named(tmp_path):
    fill(tmp_path / "pictures", rows(2))
    (tmp_path / "pictures" / f"{2**61}.png").write_bytes(b"GIF89a")
    with pytest.raises(CutoutsError, match=f"{2**61}.png is no PNG"):
        read_items(tmp_path / "pictures")


def test_a_picture_says_where_its_panels_are_and_between_which_values(tmp_path):
    (tmp_path / "a.png").write_bytes(picture(sizes=(30,), add_metadata=True))
    facts = read_picture_facts(tmp_path / "a.png")
    from PIL import Image

    image = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert (facts.height, facts.width) == image.shape[:2]
    for left, top, width, height in facts.panels.values():
        around = image[top - 1, left : left + width], image[top + height, left : left + width]
        assert all((line == line[0]).all() for line in around)  # paper above and below
        assert image[top : top + height, left : left + width].std() > 10
    assert facts.limits["difference"][0] < facts.limits["difference"][1]
    assert facts.stretches == {"template": "asinh", "science": "asinh", "difference": "linear"}


def test_pictures_of_several_sizes_have_frames_of_their_own(tmp_path):
    from PIL import Image

    sizes = [210, 210, 150, 210, 150]
    fill(tmp_path / "pictures", rows(5), lambda number: picture(number, panel_pixels=sizes[number]))
    items = read_items(tmp_path / "pictures")
    ((paths, frames, codes),) = page_data(items, [("real", "r")], "", str).pictures
    assert len(frames) == 2
    for path, code in zip(paths, codes, strict=True):
        assert (frames[code]["width"], frames[code]["height"]) == Image.open(path).size


def test_rows_of_the_catalogue_are_kept_whatever_their_type(tmp_path):
    table = pa.table(
        {
            "diaSourceId": [1, 2, 3],
            "list": [[1.5], None, []],
            "time": pa.array([0, None, 2], pa.timestamp("us")),
            "nothing": pa.nulls(3),
            "text": ["a", None, "c"],
        }
    )
    place = DetectorVisit("Cam", 1, 2)
    with OutputDirectory(tmp_path) as directory, Journal(directory) as journal:
        journal.keep(SourceBatch(place, table.slice(0, 2)))
        journal.keep(SourceBatch(place, table.slice(1)))
        journal.begin_run({})  # rows are written with the next change
        # Another run has another type for a column, and one more.
        journal.keep(SourceBatch(place, pa.table({"diaSourceId": [1], "text": [7], "more": [True]})))
        from lsst.analysis.ap.output import Picture

        journal.record([Picture(i, place, f"{i}.png", 1) for i in (3, 1)])
    found = read_record(tmp_path)
    assert found.paths == ("1.png", "3.png")
    assert found.rows.to_pylist() == [
        {"diaSourceId": 1, "list": None, "time": None, "nothing": None, "text": "7", "more": True},
        {**table.to_pylist()[2], "more": None},
    ]


def test_the_columns_of_the_manifest_serve_where_no_rows_were_kept(tmp_path):
    from lsst.analysis.ap.output import Picture

    with OutputDirectory(tmp_path) as directory, Journal(directory) as journal:
        values = [{"snr": "5.5", "band": "g", "isDipole": "true"}, {"band": "7", "isDipole": "false"}]
        journal.record(
            [
                Picture(i, DetectorVisit("Cam", 1, 2), f"{i}.png", 1, v)
                for i, v in zip((5, 6), values, strict=True)
            ]
        )
        journal._db.execute("DROP TABLE catalogue")
    assert read_record(tmp_path).rows.select(
        ["diaSourceId", "snr", "band", "isDipole", "visit"]
    ).to_pylist() == [
        {"diaSourceId": 5, "snr": 5.5, "band": "g", "isDipole": True, "visit": 1},
        {"diaSourceId": 6, "snr": None, "band": "7", "isDipole": False, "visit": 1},
    ]


def test_a_run_keeps_every_column_and_may_write_the_page(words, apdb, sources, tmp_path):
    from lsst.analysis.ap.cli.cutouts import main as run

    assert run([*apdb, "--gallery", "--limit", "5", *words, str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "gallery" / "index.html").is_file()
    found = read_record(tmp_path / "out").rows
    by_id = sources.set_index("diaSourceId")
    for row in found.to_pylist():
        for name in ("snr", "psfChi2", "bboxSize", "pixelFlags_edge", "band"):
            assert row[name] == by_id.loc[row["diaSourceId"], name]
    # Going on with the same command neither loses nor doubles a row.
    assert run([*apdb, "--limit", "8", *words, str(tmp_path / "out")]) == 0
    assert len(read_record(tmp_path / "out").rows) == 8


def test_help_needs_nothing_heavy():
    code = (
        "import sys\nfrom lsst.analysis.ap.cli.gallery import build_parser\nbuild_parser().format_help()\n"
        "print([name for name in ('pyarrow', 'matplotlib', 'pandas', 'lsst.daf') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_no_script_or_style_sheet_is_forgotten():
    import lsst.analysis.ap.gallery as gallery
    from lsst.analysis.ap.gallery._page import SCRIPTS, STYLES

    folder = Path(gallery.__file__).parent / "page"
    assert {p.name for p in folder.iterdir()} == {*SCRIPTS, *STYLES, "start.js", "widget.js", "index.html"}
    for path in folder.iterdir():
        assert len(path.read_text().splitlines()) <= 300


def test_gold_standard_reads_what_the_page_exports(open_page, index, tmp_path):
    from lsst.analysis.ap.zooniverse.labels._gold import _rows

    page = open_page(index)
    for key in "rbu":
        page.keyboard.press(key)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "labels.csv")
    with open(tmp_path / "labels.csv", newline="") as stream:
        expected = [(row["diaSourceId"], row["label"]) for row in csv.DictReader(stream)]
    assert [answer for _, answer in expected] == ["real", "bogus", "unsure"]
    assert list(_rows(tmp_path / "labels.csv", {"real": 1, "bogus": -1})) == expected[:2]
