"""What is near, from the tables of a repository to its place in the image."""

import logging
import shutil

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from lsst.daf.butler import Butler, DatasetType

from lsst.analysis.ap import ZooniverseCutoutsConfig, ZooniverseCutoutsTask
from lsst.analysis.ap.domain import CutoutsError, DetectorVisit
from lsst.analysis.ap.sources import NEIGHBOURS, NeighbourTables

TRAIL = {"trailRa": np.nan, "trailDec": np.nan, "trailLength": np.nan, "trailAngle": np.nan}


@pytest.fixture(scope="module")
def put(demo, tmp_path_factory):
    """A function that puts tables of a detector into a copy of the demo, and returns its butler."""
    root = shutil.copytree(demo.repo, tmp_path_factory.mktemp("near") / "repo")

    def make(run, data_id, **tables):
        with Butler.from_config(str(root), run=run, writeable=True) as butler:
            dimensions = butler.dimensions.conform(["instrument", "visit", "detector"])
            for name, table in tables.items():
                butler.registry.registerDatasetType(DatasetType(name, dimensions, "ArrowAstropy"))
                butler.put(table, name, data_id)
        return Butler.from_config(str(root), collections=[run, demo.collection])

    return make


@pytest.fixture(scope="module")
def near(demo, butler, put):
    """A repository with every kind of table for one detector; the first source there; truths by kind."""
    data_id = {"instrument": demo.instrument, "visit": demo.visits[0], "detector": 0}
    table = Table(butler.get("dia_source_detector", data_id))
    source = table[np.argmin(np.hypot(table["x"] - 200, table["y"] - 200))]
    wcs = butler.get("preliminary_visit_image.sky_projection", data_id).as_fits_wcs(
        butler.get("preliminary_visit_image.bbox", data_id)
    )
    # Only astropy knows where these are on the sky.
    offsets = np.random.default_rng(3).uniform(-12, 12, (4, 2))
    x, y = source["x"] + offsets[:, 0], source["y"] + offsets[:, 1]
    ra, dec = wcs.all_pix2world(x, y, 0)
    rejected = table[:2].copy()
    rejected["diaSourceId"], rejected["ra"], rejected["dec"] = [7, 8], ra[:2], dec[:2]
    unfiltered = Table(np.concatenate([table.as_array(), rejected.as_array()]))
    for name, value in TRAIL.items():
        table[name] = np.full(len(table), value)
    mine = table["diaSourceId"] == source["diaSourceId"]
    trail = SkyCoord(ra[2] * u.deg, dec[2] * u.deg)
    for name, value in zip(TRAIL, (ra[2], dec[2], 3.0, 35.0), strict=True):
        table[name][mine] = value
    butler_near = put(
        "tables",
        data_id,
        dia_source_detector=table,
        dia_source_low_reliability=rejected[:1],
        dia_source_unfiltered=unfiltered["diaSourceId", "ra", "dec"],
        dia_object_apdb=Table({"diaObjectId": [1, 2], "ra": ra[2:], "dec": dec[2:]}),
        ss_source_detector=Table({"diaSourceId": [0], "ephRa": ra[3:], "ephDec": dec[3:]}),
    )
    ends = [trail.directional_offset_by(angle * u.deg, 1.5 * u.arcsec) for angle in (215, 35)]
    others = [(r["x"], r["y"]) for r in table if r["diaSourceId"] != source["diaSourceId"]]
    truth = {
        "sources": others,
        "rejected": list(zip(x[:2], y[:2], strict=True)),
        "object": list(zip(x[2:], y[2:], strict=True)),
        "solar-system": [(x[3], y[3])],
        "trails": [tuple(map(float, wcs.world_to_pixel(end))) for end in ends],
    }
    yield butler_near, table, source, truth
    butler_near.close()


def make_task(butler, kinds, **fields):
    config = ZooniverseCutoutsConfig()
    config.update(showNeighbours=kinds, **fields)
    config.validate()
    return ZooniverseCutoutsTask(config, butler=butler)


@pytest.mark.parametrize("kind", NEIGHBOURS)
def test_positions_are_those_of_astropy(near, kind):
    butler, _, source, truth = near
    (triplet,), _ = make_task(butler, [kind], sizes=[30])._cut(source, None)
    found = [(each.x, each.y) for each in triplet.neighbours]
    assert {each.kind for each in triplet.neighbours} <= {kind}
    found += [each.end for each in triplet.neighbours if each.end is not None]
    within = [p for p in truth[kind] if np.abs(np.subtract(p, triplet.position)).max() < 15]
    for position in within:
        assert min(np.hypot(*np.subtract(position, other)) for other in found) < 0.02
    for position in found:
        assert min(np.hypot(*np.subtract(position, other)) for other in truth[kind]) < 0.02
    if kind != "sources":
        assert len(found) == len(truth[kind])


def test_other_sources_are_marked_where_they_are(near):
    butler, _, source, truth = near
    (triplet,), _ = make_task(butler, ["sources"], sizes=[300])._cut(source, None)
    within = [p for p in truth["sources"] if np.abs(np.subtract(p, triplet.position)).max() < 150]
    assert len(within) > 3
    for position in within:
        assert min(np.hypot(position[0] - n.x, position[1] - n.y) for n in triplet.neighbours) < 0.02


def test_a_rejected_source_does_not_mark_itself(near, demo):
    butler, _, source, truth = near
    (row,) = butler.get(
        "dia_source_low_reliability",
        instrument=demo.instrument,
        visit=int(source["visit"]),
        detector=int(source["detector"]),
    )
    (triplet,), _ = make_task(butler, ["rejected"], sizes=[60])._cut(row, None)
    np.testing.assert_allclose(triplet.position, truth["rejected"][0], atol=0.02)
    ((x, y),) = [(each.x, each.y) for each in triplet.neighbours]
    np.testing.assert_allclose((x, y), truth["rejected"][1], atol=0.02)


def test_pictures_depend_neither_on_processes_nor_on_what_else_is_made(near, tmp_path, contents):
    butler, table, source, _ = near
    task = make_task(butler, list(NEIGHBOURS), sizes=[30, 100])
    one = task.run(table, tmp_path / "one")
    assert not one.failed
    task.run(table, tmp_path / "two", jobs=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    written = {path.read_bytes() for path in (tmp_path / "one").rglob("*.png")}
    assert task.render(source) in written
    plain = make_task(butler, [], sizes=[30, 100])
    assert plain.render(source) not in written
    with pytest.raises(CutoutsError, match="showNeighbours was"):
        plain.run(table, tmp_path / "one")


def test_what_has_no_table_is_told_in_one_line_and_changes_nothing(butler, one_detector, tmp_path, caplog):
    kinds = ["rejected", "object", "solar-system"]
    sizes = {"sizes": [60]}
    with caplog.at_level(logging.WARNING):
        marked = make_task(butler, kinds, **sizes)
        pictures = [marked.render(row) for _, row in one_detector.head(3).iterrows()]
        again = make_task(butler, kinds, **sizes)
        assert not again.run(one_detector, tmp_path / "out", jobs=2).failed
    lines = [r.getMessage() for r in caplog.records if "showNeighbours" in r.getMessage()]
    assert len(lines) == 2 * len(kinds)
    assert all("dia_source_detector" in line for line in lines)
    plain = make_task(butler, [], **sizes)
    assert pictures == [plain.render(row) for _, row in one_detector.head(3).iterrows()]


def test_a_table_that_cannot_be_read_costs_no_picture(demo, near, put, tmp_path, caplog):
    _, _, source, _ = near
    data_id = {"instrument": demo.instrument, "visit": demo.visits[0], "detector": 0}
    butler = put("damaged", data_id, dia_object_apdb=Table({"diaObjectId": [1]}))
    picture = make_task(butler, ["object"]).render(source)
    assert picture == make_task(butler, []).render(source)
    assert "dia_object_apdb has no columns ra and dec" in caplog.text
    path = butler.getURI("dia_object_apdb", data_id).ospath
    with open(path, "wb") as stream:
        stream.write(b"no table")
    caplog.clear()
    assert make_task(butler, ["object"]).render(source) == picture
    assert "dia_object_apdb cannot be read" in caplog.text
    caplog.clear()
    stamps = make_task(butler, ["object"], writeStamps="npy")
    assert not stamps.run(Table(source), tmp_path, pictures=False).failed
    assert "dia_object_apdb" not in caplog.text  # what no picture shows is not read


def test_without_a_repository_it_is_told_that_nothing_is_marked(caplog):
    task = make_task(None, ["sources"])
    assert task.repository.stamps is not None
    assert "showNeighbours: without a repository nothing is known" in caplog.text


def test_a_word_that_is_no_kind_is_refused():
    config = ZooniverseCutoutsConfig()
    said = r"showNeighbours: each is one of sources, .*trails, not 'stars'"
    with pytest.raises(ValueError, match=said):
        config.showNeighbours = ["stars"]
    with pytest.raises(ValueError, match=said):
        config.showNeighbours.append("stars")
    assert config.showNeighbours == []


def test_catalogues_of_afw_are_read(afw_root):
    butler = Butler.from_config(str(afw_root), collections=["LSSTCam/runs/rice"])
    (ref,) = butler.query_datasets("goodSeeingDiff_diaSrc")
    data_id = DetectorVisit(*(ref.dataId[name] for name in ("instrument", "visit", "detector")))
    places = NeighbourTables({"rejected": ("goodSeeingDiff_diaSrc",)}, None).read(butler, data_id)["rejected"]
    expected = Table.read(butler.getURI(ref).ospath, hdu=1)
    assert places.ids.tolist() == expected["id"].tolist()
    np.testing.assert_allclose(places.ra, np.degrees(expected["coord_ra"]), rtol=1e-12)
    np.testing.assert_allclose(places.dec, np.degrees(expected["coord_dec"]), rtol=1e-12)
