"""Footprints are afw's."""

import json
import types
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from lsst.daf.butler import Butler

from lsst.analysis.ap.domain import Box, DetectorVisit
from lsst.analysis.ap.images import (
    FootprintReader,
    ImageFileError,
    ImageTypes,
    RepositoryDatasets,
    StampError,
    TripletReader,
    find_footprint_type,
)
from lsst.analysis.ap.images._footprints import _footprints_of_catalog, read_footprints
from lsst.analysis.ap.images.fits._bytes import LocalBytes

DETECTOR = DetectorVisit("LSSTCam", 123456, 94)
TYPES = ImageTypes("calexp", "goodSeeingDiff_templateExp", "goodSeeingDiff_differenceExp")


@pytest.fixture(scope="module")
def afw_boxes():
    path = Path(__file__).parents[1] / "data" / "afw" / "footprint_boxes.json"
    return {
        int(source_id): Box(x0, x1 + 1, y0, y1 + 1)
        for source_id, (x0, y0, x1, y1) in json.loads(path.read_text()).items()
    }


def test_catalogue_is_found(afw_butler, small_repo):
    assert find_footprint_type(afw_butler, TYPES) == "goodSeeingDiff_diaSrc"
    new = ImageTypes("preliminary_visit_image", "template_detector", "difference_image")
    assert find_footprint_type(small_repo.butler, new) is None


def test_boxes_are_afws(afw_butler, afw_boxes):
    reader = FootprintReader(RepositoryDatasets(afw_butler, TYPES, "goodSeeingDiff_diaSrc"))
    ids = sorted(afw_boxes, reverse=True)
    assert reader.read(DETECTOR, ids) == [afw_boxes[i] for i in ids]


def test_each_source_may_have_a_size_of_its_own(afw_butler, afw_boxes, afw_sources):
    ids = afw_sources.ids[:3]
    sizes = [[max(20, afw_boxes[i].width, afw_boxes[i].height), 7] for i in ids]
    results = TripletReader(RepositoryDatasets(afw_butler, TYPES)).read(
        DETECTOR, afw_sources.ra[:3], afw_sources.dec[:3], sizes
    )
    for result, (own, fixed), x in zip(results, sizes, afw_sources.x, strict=False):
        assert [t.science.box.width for t in result] == [own, fixed]
        assert result[0].science.box.x_start == np.floor(x - own / 2 + 1)


def test_sources_and_catalogues_without_footprints_say_so(afw_butler, afw_boxes):
    reader = FootprintReader(RepositoryDatasets(afw_butler, TYPES, "goodSeeingDiff_diaSrc"))
    good, bad = reader.read(DETECTOR, [next(iter(afw_boxes)), 17])
    assert isinstance(good, Box)
    assert isinstance(bad, StampError)
    assert "source 17 has none in goodSeeingDiff_diaSrc" in str(bad)
    (missing,) = reader.read(DetectorVisit("LSSTCam", 123456, 1), [17])
    assert "no goodSeeingDiff_diaSrc for" in str(missing)


def test_missing_file_costs_its_own_sources(afw_repo):
    next(afw_repo.rglob("goodSeeingDiff_diaSrc_*.fits")).unlink()
    with Butler.from_config(str(afw_repo), collections="LSSTCam/runs/rice") as butler:
        (result,) = FootprintReader(RepositoryDatasets(butler, TYPES, "goodSeeingDiff_diaSrc")).read(
            DETECTOR, [17]
        )
    assert "goodSeeingDiff_diaSrc_LSSTCam" in str(result)
    assert "cannot be opened" in str(result)


def test_footprints_from_before_span_sets(tmp_path):
    """Their spans lie in the Footprint's own table."""
    spans = np.array([(7, 10, 12), (8, 9, 14), (5, 3, 4)], dtype=[("y", ">i4"), ("x0", ">i4"), ("x1", ">i4")])
    index_type = [(name, ">i4") for name in ("id", "cat.archive", "cat.persistable", "row0", "nrows")]
    index = np.array(
        [(4, 1, 0, 0, 2, "Footprint"), (9, 1, 0, 2, 1, "Footprint"), (9, 2, 1, 0, 0, "Footprint")],
        dtype=[*index_type, ("name", "S64")],
    )
    catalog = np.array([(100, 4), (101, 9), (102, 0)], dtype=[("id", ">i8"), ("footprint", ">i4")])
    path = tmp_path / "old.fits"
    tables = [fits.BinTableHDU(rows) for rows in (catalog, index, spans)]
    tables[1].header["EXTTYPE"], tables[2].header["EXTTYPE"] = "ARCHIVE_INDEX", "ARCHIVE_DATA"
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(path)
    found = read_footprints(LocalBytes(str(path)))
    assert {number: footprint.box for number, footprint in found.items()} == {
        100: Box(9, 15, 7, 9),
        101: Box(3, 5, 5, 6),
    }
    expected = np.zeros((4, 6), bool)
    expected[1, 1:4] = expected[2, 0:] = True
    np.testing.assert_array_equal(found[100].pixels(Box(9, 15, 6, 10)), expected)


def test_image_has_no_footprints(afw_files):
    with pytest.raises(ImageFileError, match="not a SourceCatalog with footprints"):
        read_footprints(LocalBytes(str(afw_files["calexp"])))


def test_catalogues_of_afw_in_memory():
    """In the stack a catalogue that is not a file comes as a SourceCatalog."""

    def span(y, first, last):
        return types.SimpleNamespace(getY=lambda: y, getX0=lambda: first, getX1=lambda: last)

    def record(number, spans):
        footprint = types.SimpleNamespace(getSpans=lambda: spans) if spans is not None else None
        return types.SimpleNamespace(getId=lambda: number, getFootprint=lambda: footprint)

    catalog = [record(5, [span(20, 10, 14), span(21, 11, 11)]), record(6, None), record(7, [])]
    found = _footprints_of_catalog(catalog)
    assert list(found) == [5]
    assert found[5].box == Box(10, 15, 20, 22)
    assert found[5].pixels(Box(13, 16, 19, 22)).tolist() == [[False] * 3, [True, True, False], [False] * 3]


def test_pixels_are_those_of_the_spans_in_the_archive(afw_butler, afw_boxes, afw_files):
    """As astropy reads the tables: index, Footprints, SpanSets."""
    ids = list(afw_boxes)
    reader = FootprintReader(RepositoryDatasets(afw_butler, TYPES, "goodSeeingDiff_diaSrc"))
    found = dict(zip(ids, reader.read_footprints(DETECTOR, ids), strict=True))
    compared = 0
    with fits.open(afw_files["goodSeeingDiff_diaSrc"]) as hdus:
        index = next(i for i, hdu in enumerate(hdus) if hdu.header.get("EXTTYPE") == "ARCHIVE_INDEX")

        def rows_of(archive_id):
            entries = [e for e in hdus[index].data if e["id"] == archive_id and e["cat.persistable"] == 0]
            (entry,) = entries
            rows = hdus[index + entry["cat.archive"]].data
            return rows[entry["row0"] : entry["row0"] + entry["nrows"]]

        for source in hdus[1].data:
            box = afw_boxes[source["id"]]
            expected = np.zeros(box.shape, bool)
            for span in rows_of(rows_of(source["footprint"])["id"][0]):
                for x in range(span["x0"], span["x1"] + 1):
                    expected[span["y"] - box.y_start, x - box.x_start] = True
            np.testing.assert_array_equal(found[source["id"]].pixels(box), expected)
            larger = Box(box.x_start - 3, box.x_stop - 2, box.y_start + 1, box.y_stop + 4)
            np.testing.assert_array_equal(
                found[source["id"]].pixels(larger), np.pad(expected, ((0, 4), (3, 0)))[1:, :-2]
            )
            assert expected.any(axis=0).all(), "the box is the smallest"
            compared += 1
    assert compared == len(afw_boxes)
