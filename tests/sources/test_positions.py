"""Catalogues of positions without sources: each image that shows one gives a picture."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from lsst.analysis.ap.domain import CutoutsError, DetectorVisit
from lsst.analysis.ap.sources import Meanings, Selection, arrow_tables, group_by_detector, open_catalog


@dataclass(frozen=True)
class Exposed:
    data_id: DetectorVisit
    band: str | None
    mjd: float | None


def exposed(visit, detector, band, mjd):
    return Exposed(DetectorVisit("TestCam", visit, detector), band, mjd)


IMAGES = [
    exposed(1, 0, "r", 61001.0),
    exposed(2, 0, "i", 61002.0),
    exposed(3, 5, "r", 61003.0),
    exposed(4, 5, "g", None),
]


def find(ra, dec):
    """Everything with ra below 180 is in all the images, the rest in none."""
    return [IMAGES if ra_i < 180 else [] for ra_i in ra]


def table(find=find, **columns):
    (found,) = arrow_tables(pd.DataFrame(columns), Meanings(find=find))
    return found


def images(found):
    return [
        (r["visit"], r["detector"], r["band"], r["midpointMjdTai"], r["instrument"])
        for r in found.to_pylist()
    ]


EVERYWHERE = [
    (1, 0, "r", 61001.0, "TestCam"),
    (2, 0, "i", 61002.0, "TestCam"),
    (3, 5, "r", 61003.0, "TestCam"),
    (4, 5, "g", None, "TestCam"),
]


def test_a_position_is_shown_by_every_image_that_covers_it(caplog):
    found = table(ra=[10.0, 20.0], dec=[1.0, 2.0], name=["first", "second"])
    assert images(found) == EVERYWHERE * 2
    assert found.column("name").to_pylist() == ["first"] * 4 + ["second"] * 4
    assert found.column("ra").to_pylist() == [10.0] * 4 + [20.0] * 4
    assert "rows are taken for positions" in caplog.text
    assert "Did you mean" not in caplog.text
    table(ra=[10.0], dec=[1.0], diaSrcId=[7])
    assert "Did you mean diaSrcId?" in caplog.text


def test_identifiers_are_made_of_position_and_image_and_of_no_source():
    once = table(ra=[10.0, 20.0], dec=[1.0, 2.0])
    ids = once.column("diaSourceId").to_pylist()
    assert len(set(ids)) == 8
    # Not of Rubin, whose identifiers are positive, and not the number of a row.
    assert all(-(2**62) < i <= -(2**61) for i in ids)
    again = table(ra=[20.0, 30.0, 10.0], dec=[2.0, 0.0, 1.0], note=["a", "b", "c"]).to_pylist()
    by_key = {(r["ra"], r["visit"], r["detector"]): r["diaSourceId"] for r in again}
    for row in once.to_pylist():
        assert by_key[row["ra"], row["visit"], row["detector"]] == row["diaSourceId"]
    moved = table(ra=[10.0, 20.0], dec=[1.0, 2.0 + 1e-12]).column("diaSourceId").to_pylist()
    assert moved[:4] == ids[:4]
    assert not set(moved[4:]) & set(ids)


@pytest.mark.parametrize(
    ("given", "visits"),
    [
        ({"visit": [3]}, [3]),
        ({"detector": [0]}, [1, 2]),
        ({"visit": [1], "detector": [5]}, [1]),  # what a row says of its image counts
        ({"band": ["r"]}, [1, 3]),
        ({"timeMin": [61002.0]}, [2, 3]),
        ({"timeMax": ["61002.5"]}, [1, 2]),
        ({"timeMin": [61001.5], "timeMax": [61002.5], "band": ["i"]}, [2]),
        ({"visit": [None], "band": [None]}, [1, 2, 3, 4]),
    ],
)
def test_what_a_row_says_of_the_image_narrows_the_search(given, visits):
    assert table(ra=[10.0], dec=[1.0], **given).column("visit").to_pylist() == visits


def test_positions_with_visit_and_detector_need_no_search():
    found = table(None, ra=[10.0, 10.0], dec=[1.0, 1.0], visit=[7, 8], detector=[3, 3])
    assert found.select(["visit", "detector"]).to_pylist() == [
        {"visit": 7, "detector": 3},
        {"visit": 8, "detector": 3},
    ]
    assert len(set(found.column("diaSourceId").to_pylist())) == 2
    with pytest.raises(CutoutsError, match="no column 'diaSourceId', 'visit', 'detector'"):
        table(None, ra=[10.0], dec=[1.0])


def test_a_position_that_nothing_covers_fails_alone():
    found = table(ra=[10.0, 200.0, np.nan, "x"], dec=[1.0, 1.0, 1.0, 1.0])
    batches = list(group_by_detector([found], None))
    failed = {b.rows.column("ra")[row].as_py(): text for b in batches for row, text in b.reasons.items()}
    assert failed[200.0] == "no image of the repository covers it"
    assert len(found) == 4 + 3
    reasons = [text for b in batches for text in b.reasons.values()]
    assert sum("ra is 'x', not a number" in text for text in reasons) == 1
    assert reasons.count("has no position: ra = nan, dec = 1.0") == 1
    (batch,) = group_by_detector([table(ra=[10.0], dec=[1.0], band=["z"])], None)
    assert batch.reasons[0].startswith("the images that cover it are of other visits, detectors, bands or ti")


@pytest.mark.parametrize("kind", ["frame", "file"])
def test_selections_choose_among_the_images(tmp_path, kind):
    frame = pd.DataFrame({"ra": [10.0, 20.0], "dec": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "c.parquet")

    def chosen(selection):
        if kind == "frame":
            (found,) = arrow_tables(frame, Meanings(find=find))
            pages = [selection.apply(found)]
        else:
            catalog = open_catalog(tmp_path / "c.parquet", Meanings(find=find))
            pages = list(catalog.read(selection, ["ra"]))
            assert catalog.count(selection) == sum(map(len, pages))
        return [(r["ra"], r["visit"]) for page in pages for r in page.to_pylist()]

    assert sorted(chosen(Selection(bands=("r",)))) == [(10.0, 1), (10.0, 3), (20.0, 1), (20.0, 3)]
    assert sorted(chosen(Selection(latest=1))) == [(10.0, 3), (20.0, 3)]
    assert sorted(chosen(Selection(latest=2))) == [(10.0, 2), (10.0, 3), (20.0, 2), (20.0, 3)]
    assert sorted(chosen(Selection(latest=1, bands=("i", "g")))) == [(10.0, 2), (20.0, 2)]
    assert sorted(chosen(Selection(time_max=61001.5))) == [(10.0, 1), (20.0, 1)]
    assert len(chosen(Selection(latest=9))) == 8


def test_the_latest_sources_of_each_object_are_chosen_everywhere(catalogue, select):
    known = catalogue[catalogue["timeWithdrawnMjdTai"].isna()]
    for latest in (1, 3):
        order = known.sort_values(["midpointMjdTai", "diaSourceId"], ascending=[False, True])
        wanted = pd.concat(
            [
                order[order["diaObjectId"].isna() | (order["diaObjectId"] == 0)],
                order[order["diaObjectId"] > 0].groupby("diaObjectId").head(latest),
            ]
        ).sort_values(["visit", "detector", "diaSourceId"])
        assert select(Selection(latest=latest)) == wanted["diaSourceId"].to_list()


def test_one_of_an_object_and_its_latest_are_not_both_chosen():
    with pytest.raises(CutoutsError, match="cannot both be chosen"):
        Selection(one_per_object=True, latest=2)
