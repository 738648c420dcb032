import sqlite3
from pathlib import Path
from typing import Any

import astropy.table
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from astropy.coordinates import SkyCoord
from lsst.daf.butler import Butler
from lsst.dax.apdb import Apdb
from lsst.images import DifferenceImage, VisitImage

from lsst.analysis.ap.demo import DemoPaths, make_demo
from lsst.analysis.ap.domain import CutoutsError

IMAGES = {
    "preliminary_visit_image": VisitImage,
    "template_detector": DifferenceImage,
    "difference_image": DifferenceImage,
}
PLANES = {
    "bad": "BAD",
    "cr": "COSMIC_RAY",
    "nodata": "NO_DATA",
    "interpolated": "INTERPOLATED",
    "saturated": "SATURATED",
    "suspect": "SUSPECT",
    "streak": "STREAK",
}


@pytest.fixture(scope="module")
def butler(small_demo: DemoPaths) -> Butler:
    return Butler.from_config(str(small_demo.repo), collections=small_demo.collection)


@pytest.fixture(scope="module")
def apdb_rows(small_demo: DemoPaths) -> list[dict[str, Any]]:
    engine = sa.create_engine(f"sqlite:///{small_demo.apdb}")
    table = sa.Table("DiaSource", sa.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def data_ids(demo: DemoPaths) -> list[dict[str, Any]]:
    return [
        {"instrument": demo.instrument, "visit": visit, "detector": detector}
        for visit in demo.visits
        for detector in demo.detectors
    ]


def test_every_image_is_in_the_repository_with_its_calibration(small_demo: DemoPaths, butler: Butler) -> None:
    for data_id in data_ids(small_demo):
        for name, kind in IMAGES.items():
            image = butler.get(name, data_id)

            assert type(image) is kind
            assert image.image.array.shape == (400, 400)
            assert image.unit == "nJy"
            assert image.detector.id == data_id["detector"]
            assert image.obs_info.visit_id == data_id["visit"]
            assert butler.registry.expandDataId(data_id)["band"] == image.band


def test_one_detector_does_not_start_at_the_origin(small_demo: DemoPaths, butler: Butler) -> None:
    starts = []
    for data_id in data_ids(small_demo)[:2]:
        ref = butler.find_dataset("difference_image", data_id)
        assert ref is not None
        box = butler.get(ref.makeComponentRef("bbox"))
        starts.append((box.x.start, box.y.start))

    assert starts == [(0, 0), (1200, 800)]


def test_detector_is_where_the_camera_has_it(small_demo: DemoPaths, butler: Butler) -> None:
    for data_id in data_ids(small_demo)[:2]:
        detector = butler.get("preliminary_visit_image", data_id).detector
        middle = detector.to_focal_plane.apply_forward(
            x=detector.orientation.pixel_reference_x, y=detector.orientation.pixel_reference_y
        )

        assert middle.x == pytest.approx(detector.orientation.focal_plane_x)
        assert middle.y == pytest.approx(detector.orientation.focal_plane_y)


def test_stored_kernel_turns_template_into_what_was_subtracted(small_demo: DemoPaths, butler: Butler) -> None:
    data_id = data_ids(small_demo)[1]
    science, template, difference = (butler.get(name, data_id) for name in IMAGES)
    kernel = difference.kernel.compute_kernel_image(x=1300, y=900).array
    half = kernel.shape[0] // 2
    rng = np.random.default_rng(0)
    for row, column in rng.integers(half, 400 - half, (50, 2)):
        around = template.image.array[row - half : row + half + 1, column - half : column + half + 1]
        subtracted = science.image.array[row, column] - difference.image.array[row, column]
        assert (around * kernel[::-1, ::-1]).sum() == pytest.approx(subtracted, abs=0.05, rel=1e-3)


def test_pipelines_find_the_records_they_need(small_demo: DemoPaths, butler: Butler) -> None:
    for data_id in data_ids(small_demo):
        ref = butler.find_dataset("difference_image", data_id)
        assert ref is not None
        region = butler.registry.expandDataId(data_id).region
        assert region is not None
        projection = butler.get(ref.makeComponentRef("sky_projection"))
        box = butler.get(ref.makeComponentRef("bbox"))
        center = projection.pixel_to_sky(x=box.x.start + 200.0, y=box.y.start + 200.0)
        outside = projection.pixel_to_sky(x=box.x.start + 200.0, y=box.y.start + 402.0)

        assert region.contains(np.radians(center.ra.deg), np.radians(center.dec.deg))
        assert not region.contains(np.radians(outside.ra.deg), np.radians(outside.dec.deg))
    visits = butler.query_dimension_records("visit", instrument=small_demo.instrument)
    assert sorted(record.id for record in visits) == sorted(small_demo.visits)
    definitions = butler.query_dimension_records("visit_definition", instrument=small_demo.instrument)
    assert len(definitions) == len(small_demo.visits)


def test_apdb_holds_the_rows_of_the_repository(
    small_demo: DemoPaths, butler: Butler, apdb_rows: list[dict[str, Any]]
) -> None:
    tables = [butler.get("dia_source_detector", data_id) for data_id in data_ids(small_demo)]
    stored = {row["diaSourceId"]: row for row in apdb_rows}

    assert sum(len(table) for table in tables) == len(stored) == small_demo.n_sources
    for table in tables:
        for row in table:
            for name in table.colnames:
                if row[name] is np.ma.masked:
                    assert stored[row["diaSourceId"]][name] is None, name
                else:
                    assert stored[row["diaSourceId"]][name] == row[name], name


def test_apdb_names_the_instrument_and_opens(small_demo: DemoPaths) -> None:
    with sqlite3.connect(small_demo.apdb) as connection:
        found = connection.execute("SELECT value FROM metadata WHERE name = 'instrument'").fetchall()

    assert found == [(small_demo.instrument,)]
    apdb = Apdb.from_uri(str(small_demo.apdb_config))
    assert all(apdb.containsVisitDetector(visit, 0) for visit in small_demo.visits)


def test_every_source_has_an_object_in_the_apdb_or_is_an_asteroid(
    small_demo: DemoPaths, apdb_rows: list[dict[str, Any]]
) -> None:
    with sqlite3.connect(small_demo.apdb) as connection:
        objects = dict(connection.execute("SELECT diaObjectId, nDiaSources FROM DiaObject"))
    counts: dict[Any, int] = {}
    for row in apdb_rows:
        assert (row["diaObjectId"] is None) != (row["ssObjectId"] is None)
        if row["diaObjectId"] is not None:
            counts[row["diaObjectId"]] = counts.get(row["diaObjectId"], 0) + 1

    assert counts == objects
    assert len(objects) == small_demo.n_objects
    assert any(row["ssObjectId"] is not None for row in apdb_rows)


def test_sources_of_an_object_come_from_different_visits_at_one_place(
    apdb_rows: list[dict[str, Any]],
) -> None:
    by_object: dict[Any, list[dict[str, Any]]] = {}
    for row in apdb_rows:
        if row["diaObjectId"] is not None:
            by_object.setdefault(row["diaObjectId"], []).append(row)
    shared = [rows for rows in by_object.values() if len(rows) > 1]

    assert len(shared) >= 5
    for rows in shared:
        sky = SkyCoord([row["ra"] for row in rows], [row["dec"] for row in rows], unit="deg")
        assert len({row["visit"] for row in rows}) == len(rows)
        assert len({row["band"] for row in rows}) == 2
        assert sky[0].separation(sky).arcsec.max() < 1


def test_centre_flags_agree_with_the_masks_read_back(
    small_demo: DemoPaths, butler: Butler, apdb_rows: list[dict[str, Any]]
) -> None:
    seen = set()
    for data_id in data_ids(small_demo):
        difference = butler.get("difference_image", data_id)
        x0, y0 = difference.bbox.x.start, difference.bbox.y.start
        for row in apdb_rows:
            if (row["visit"], row["detector"]) != (data_id["visit"], data_id["detector"]):
                continue
            column, line = round(row["x"]) - x0, round(row["y"]) - y0
            off_image = not (0 <= column < 400 and 0 <= line < 400)
            assert bool(row["pixelFlags_offimage"]) == off_image
            for flag, plane in PLANES.items():
                pixels = difference.mask.get(plane)
                around = pixels[max(line - 1, 0) : line + 2, max(column - 1, 0) : column + 2]
                if flag != "bad" and not off_image:
                    assert bool(row[f"pixelFlags_{flag}Center"]) == around.any()
                if around.any() and not off_image:
                    assert row[f"pixelFlags_{flag}"]
                    seen.add(flag)
                reach = row["bboxSize"] + 4
                wide = pixels[max(line - reach, 0) : line + reach, max(column - reach, 0) : column + reach]
                if row[f"pixelFlags_{flag}"]:
                    assert wide.any()

    assert {"saturated", "streak"} <= seen


def test_sources_lie_near_and_over_the_edge(apdb_rows: list[dict[str, Any]]) -> None:
    start = {0: (0, 0), 1: (1200, 800)}
    inset = []
    for row in apdb_rows:
        x0, y0 = start[row["detector"]]
        x, y = row["x"] - x0, row["y"] - y0
        inset.append(min(x, y, 399 - x, 399 - y))
        if inset[-1] < 12:
            assert row["psfFlux_flag_edge"]
            assert row["psfFlux_flag"]
            assert row["apFlux_flag_apertureTruncated"]
        if inset[-1] < 10:
            assert row["pixelFlags_edge"]

    assert sum(-0.5 < distance < 5 for distance in inset) >= 3
    assert sum(distance < -0.5 for distance in inset) >= 1


def test_catalogue_has_the_kinds_that_a_survey_has(apdb_rows: list[dict[str, Any]]) -> None:
    reliability = np.array([row["reliability"] for row in apdb_rows])

    assert any(row["isDipole"] for row in apdb_rows)
    assert 2 <= sum(bool(row["isNegative"]) for row in apdb_rows) < len(apdb_rows) / 2
    points = [row for row in apdb_rows if not row["isDipole"] and row["reliability"] > 0.5]
    assert all((row["psfFlux"] < 0) == row["isNegative"] for row in points)
    assert 0.1 < (reliability > 0.8).mean() < 0.8
    assert 0.1 < (reliability < 0.2).mean() < 0.8
    assert all(0 <= value <= 1 for value in reliability)
    assert all(row["snr"] >= 5 for row in apdb_rows)


def test_same_seed_makes_the_same_rows_and_pixels(out: Path) -> None:
    results = []
    for name in ("one", "two"):
        demo = make_demo(out / name, seed=5, size=200, visits=1, detectors=1, sources_per_detector=8)
        butler = Butler.from_config(str(demo.repo), collections=demo.collection)
        data_id = data_ids(demo)[0]
        table: astropy.table.Table = butler.get("dia_source_detector", data_id)
        results.append((table, butler.get("difference_image", data_id)))
    (one, one_image), (two, two_image) = results

    pd.testing.assert_frame_equal(one.to_pandas(), two.to_pandas())
    np.testing.assert_array_equal(one_image.image.array, two_image.image.array)
    np.testing.assert_array_equal(one_image.mask.array, two_image.mask.array)


@pytest.mark.parametrize(
    ("name", "value"), [("size", 100), ("visits", 0), ("detectors", 0), ("sources_per_detector", -1)]
)
def test_numbers_that_are_too_small_are_refused(out: Path, name: str, value: int) -> None:
    with pytest.raises(CutoutsError, match=f"{name} is {value}"):
        make_demo(out, **{name: value})  # type: ignore[arg-type]
    assert not out.exists()
