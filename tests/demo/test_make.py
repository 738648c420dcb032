import sqlite3

import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from lsst.daf.butler import Butler
from lsst.dax.apdb import Apdb
from lsst.images import DifferenceImage, VisitImage

from lsst.analysis.ap.demo import make_demo
from lsst.analysis.ap.demo._camera import Exposure, make_detectors, make_visits
from lsst.analysis.ap.demo._images import Version, expose, process
from lsst.analysis.ap.demo._measure import measure, recognise
from lsst.analysis.ap.demo._sky import make_sky
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
    "injected": "INJECTED",
}


def table(apdb, name):
    with sqlite3.connect(apdb) as connection:
        # Without nullable integers identifiers would be rounded to floats.
        return pd.read_sql(f'SELECT * FROM "{name}"', connection, dtype_backend="numpy_nullable")


def data_ids(demo):
    return [
        {"instrument": demo.instrument, "visit": visit, "detector": detector}
        for visit in demo.visits
        for detector in demo.detectors
    ]


def of(rows, data_id):
    return rows[(rows["visit"] == data_id["visit"]) & (rows["detector"] == data_id["detector"])]


def test_every_image_is_in_the_repository_with_its_calibration(demo, butler):
    starts = {0: (0, 0), 1: (1200, 800)}
    for data_id in data_ids(demo):
        for name, kind in IMAGES.items():
            image = butler.get(name, data_id)
            margin = 20 if name == "template_detector" else 0  # as GetTemplateTask does
            x, y = starts[data_id["detector"]]
            assert type(image) is kind
            assert (image.bbox.x.start, image.bbox.y.start) == (x - margin, y - margin)
            assert image.image.array.shape == (400 + 2 * margin, 400 + 2 * margin)
            assert image.unit == "nJy"
            assert image.detector.id == data_id["detector"]
            assert image.obs_info.visit_id == data_id["visit"]
            assert butler.registry.expandDataId(data_id)["band"] == image.band


def test_the_detector_is_where_the_camera_has_it(demo, butler):
    for data_id in data_ids(demo)[:2]:
        detector = butler.get("preliminary_visit_image", data_id).detector
        middle = {0: 199.5, 1: 1399.5}[detector.id], {0: 199.5, 1: 999.5}[detector.id]
        at = detector.to_focal_plane.apply_forward(x=middle[0], y=middle[1])
        assert at.x == pytest.approx(detector.orientation.focal_plane_x)
        assert at.y == pytest.approx(detector.orientation.focal_plane_y)


def test_pipelines_find_the_records_they_need(demo, butler):
    for data_id in data_ids(demo):
        ref = butler.find_dataset("difference_image", data_id)
        region = butler.registry.expandDataId(data_id).region
        projection, box = (butler.get(ref.makeComponentRef(name)) for name in ("sky_projection", "bbox"))
        center, outside = (
            projection.pixel_to_sky(x=box.x.start + 200.0, y=box.y.start + y) for y in (200.0, 402.0)
        )
        assert region.contains(np.radians(center.ra.deg), np.radians(center.dec.deg))
        assert not region.contains(np.radians(outside.ra.deg), np.radians(outside.dec.deg))
    visits = butler.query_dimension_records("visit", instrument=demo.instrument)
    assert sorted(visit.id for visit in visits) == list(demo.visits)


def test_the_apdb_holds_the_rows_of_the_repository(demo, butler):
    stored = table(demo.apdb, "DiaSource").set_index("diaSourceId")
    tables = [butler.get("dia_source_detector", data_id) for data_id in data_ids(demo)]
    assert sum(len(rows) for rows in tables) == len(stored) == demo.n_sources
    for rows in tables:
        assert set(rows.colnames) == {"diaSourceId", *stored.columns} - {"pixelId"}
        for row in rows:
            for name in stored.columns.intersection(rows.colnames):
                value = stored.at[row["diaSourceId"], name]
                assert pd.isna(value) if row[name] is np.ma.masked else value == row[name], name


def test_the_apdb_names_the_instrument_and_opens(demo):
    metadata = table(demo.apdb, "metadata").set_index("name")["value"]
    assert metadata["instrument"] == demo.instrument
    apdb = Apdb.from_uri(str(demo.apdb_config))
    assert all(apdb.containsVisitDetector(visit, 0) for visit in demo.visits)


def test_every_column_that_can_be_known_is_filled(demo):
    rows = table(demo.apdb, "DiaSource")
    unknown = rows.columns[rows.isna().all()]
    later = ("parentDiaSourceId", "ssObjectReassocTimeMjdTai", "ra_dec_Cov", "psfLnL", "timeWithdrawnMjdTai")
    assert [name for name in unknown if not name.startswith(("trail", "dipole"))] == list(later)
    points = rows[~rows["isDipole"].astype(bool) & ~rows["pixelFlags_edge"].astype(bool)]
    points = points[points["reliability"] > 0.5]
    for name in ("psfFlux", "psfChi2", "apFlux", "scienceFlux", "templateFlux", "xErr", "raErr", "bboxSize"):
        assert points[name].notna().all(), name
    assert ((points["psfFlux"] < 0) == points["isNegative"].astype(bool)).all()
    assert rows["snr"].min() >= 5
    assert rows["reliability"].between(0, 1).all()


def test_sources_and_objects_agree(long_demo):
    rows, objects = (table(long_demo.apdb, name) for name in ("DiaSource", "DiaObject"))
    assert (rows["diaObjectId"].isna() != rows["ssObjectId"].isna()).all()
    assert (
        rows["diaObjectId"].value_counts().to_dict()
        == objects.set_index("diaObjectId")["nDiaSources"].to_dict()
    )
    assert len(objects) == long_demo.n_objects
    places = objects.set_index("diaObjectId")
    for key, some in rows.dropna(subset="diaObjectId").groupby("diaObjectId"):
        assert some["visit"].is_unique
        here = SkyCoord(*places.loc[key, ["ra", "dec"]], unit="deg")
        assert here.separation(SkyCoord(some["ra"], some["dec"], unit="deg")).arcsec.max() < 1
    assert rows["ssObjectId"].notna().sum() >= 3


def test_an_object_has_a_light_curve_in_three_bands(long_demo):
    rows, forced = (table(long_demo.apdb, name) for name in ("DiaSource", "DiaForcedSource"))
    rows = rows.merge(pd.read_parquet(long_demo.truth), on="diaSourceId")
    epochs = rows[rows["isReal"]].groupby("diaObjectId")["visit"].nunique()
    key = epochs.idxmax()
    history = rows[rows["diaObjectId"] == key]
    assert len(history) >= 10
    assert set(history["band"]) == {"g", "r", "i"}
    assert history["number"].nunique() == 1
    pull = (history["psfFlux"] - history["trueFlux"]) / np.hypot(
        history["psfFluxErr"], 0.02 * history["trueFlux"]
    )
    assert abs(pull).max() < 6
    # Forced photometry is there from the second detection on, and agrees where there is a source.
    both = history.merge(forced, on=["diaObjectId", "visit"], suffixes=("", "_forced"))
    assert len(both) >= 9
    error = np.hypot(both["psfFluxErr"], 0.03 * both["psfFlux"])
    assert (abs(both["psfFlux_forced"] - both["psfFlux"]) < 5 * error).all()
    assert forced["scienceFlux"].notna().mean() > 0.9
    assert len(forced) > len(
        forced.merge(rows, on=["diaObjectId", "visit"])
    )  # where nothing was detected too


def test_centre_flags_agree_with_the_masks_read_back(demo, butler):
    rows, seen = table(demo.apdb, "DiaSource"), set()
    for data_id in data_ids(demo):
        difference = butler.get("difference_image", data_id)
        planes = {flag: difference.mask.get(plane) for flag, plane in PLANES.items()}
        for row in of(rows, data_id).to_dict("records"):
            x, y = round(row["x"]) - difference.bbox.x.start, round(row["y"]) - difference.bbox.y.start
            is_off = not (0 <= x < 400 and 0 <= y < 400)
            assert bool(row["pixelFlags_offimage"]) == is_off
            for flag, pixels in planes.items():
                reach = row["bboxSize"] + 4
                wide = pixels[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach]
                assert wide.any() or not row[f"pixelFlags_{flag}"]
                if not is_off:
                    around = pixels[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any()
                    assert flag == "bad" or bool(row[f"pixelFlags_{flag}Center"]) == around
                    assert row[f"pixelFlags_{flag}"] or not around
                    seen |= {flag} if around else set()
    assert {"saturated", "streak", "injected"} <= seen


def test_the_truth_names_every_source_and_has_the_kinds_of_a_survey(long_demo):
    rows = table(long_demo.apdb, "DiaSource").merge(pd.read_parquet(long_demo.truth), on="diaSourceId")
    assert len(rows) == long_demo.n_sources
    real, bogus = (set(rows["kind"][rows["isReal"] == is_real]) for is_real in (True, False))
    assert real == {"supernova", "variable star", "active nucleus", "asteroid", "injected"}
    assert {"bright star", "cosmic ray", "defect", "dipole", "satellite", "residual"} >= bogus
    assert len(bogus) >= 4
    assert 0.4 < rows["isReal"].mean() < 0.85
    known = rows["pixelFlags_injectedCenter"].astype(bool) & rows["isReal"]
    assert (rows["kind"][known] == "injected").mean() > 0.8
    points = rows[rows["isReal"] & (rows["kind"] != "asteroid") & (rows["snr"] > 20)]
    points = points[~points[["psfFlux_flag", "pixelFlags_saturated", "isDipole"]].any(axis=1)]
    assert np.median(points["psfFlux"] / points["trueFlux"]) == pytest.approx(1, abs=0.01)
    assert (points["isNegative"] == (points["trueFlux"] < 0)).all()
    # Reliable means real, for most: as good as a classifier is.
    order = rows["reliability"].rank()
    n_real, n_bogus = rows["isReal"].sum(), (~rows["isReal"]).sum()
    area = (order[rows["isReal"]].sum() - n_real * (n_real + 1) / 2) / (n_real * n_bogus)
    assert 0.93 < area < 0.9999


def test_a_classifier_can_learn_from_the_stamps(long_demo):
    butler = Butler.from_config(str(long_demo.repo), collections=long_demo.collection)
    rows = table(long_demo.apdb, "DiaSource").merge(pd.read_parquet(long_demo.truth), on="diaSourceId")
    stamps = {}
    for data_id in data_ids(long_demo):
        image = butler.get("difference_image", data_id)
        pixels = np.pad(np.nan_to_num(image.image.array), 10)
        for row in of(rows, data_id).itertuples():
            x, y = round(row.x) - image.bbox.x.start + 10, round(row.y) - image.bbox.y.start + 10
            stamp = np.abs(pixels[y - 7 : y + 8, x - 7 : x + 8])
            stamps[row.diaSourceId] = stamp.ravel() / stamp.max()
    features, is_real = np.array([stamps[key] for key in rows["diaSourceId"]]), rows["isReal"].to_numpy()
    # No object is on both sides. Fisher's linear discriminant is about the simplest classifier.
    key = rows["diaObjectId"].fillna(rows["diaSourceId"]).to_numpy(dtype=np.int64)
    is_test = np.isin(key, np.random.default_rng(1).permutation(np.unique(key))[::2])
    means = [features[~is_test & (is_real == value)].mean(axis=0) for value in (False, True)]
    covariance = np.cov(features[~is_test].T) + 0.05 * np.eye(features.shape[1])
    score = features[is_test] @ np.linalg.solve(covariance, means[1] - means[0])
    bogus, real = (score[is_real[is_test] == value] for value in (False, True))
    assert min(len(bogus), len(real)) >= 15
    assert (real[:, None] > bogus).mean() > 0.8


def test_another_version_gains_loses_and_changes_sources(two_runs):
    assert two_runs.other.repo == two_runs.repo
    assert two_runs.other.collection == "DemoCam/runs/other"
    before, after = (table(run.apdb, "DiaSource") for run in (two_runs, two_runs.other))
    assert (len(before), len(after)) == (two_runs.n_sources, two_runs.other.n_sources)
    kept, shifts, ratios = set(), [], []
    for visit in two_runs.visits:
        old, new = (rows[rows["visit"] == visit] for rows in (before, after))
        places = [SkyCoord(rows["ra"], rows["dec"], unit="deg") for rows in (old, new)]
        nearest, distance, _ = places[0].match_to_catalog_sky(places[1])
        near = distance.arcsec < 0.5
        kept |= set(zip([visit] * near.sum(), nearest[near], strict=True))
        good = near & (old["snr"] > 30) & (old["isDipole"] == 0)
        shifts += distance.arcsec[good].tolist()
        ratios += (new["psfFlux"].to_numpy()[nearest[good]] / old["psfFlux"][good]).tolist()
    assert 0 < len(kept) < len(before)  # some are lost
    assert len(kept) < len(after)  # and others gained
    assert np.median(ratios) == pytest.approx(1.03, abs=0.005)
    assert np.median(shifts) == pytest.approx(0.2 * np.hypot(0.1, 0.06), abs=0.008)
    for run in (two_runs, two_runs.other):
        butler = Butler.from_config(str(run.repo), collections=run.collection)
        refs = [butler.find_dataset(name, data_ids(run)[0]) for name in (*IMAGES, "dia_source_detector")]
        assert {ref.run for ref in refs} == {run.collection}
        assert len(pd.read_parquet(run.truth)) == run.n_sources


def test_the_first_source_of_the_usual_demo_is_a_supernova_in_its_galaxy():
    rng = np.random.default_rng([20260110, 0])
    visits, detectors = make_visits(12, 600, rng), make_detectors(2, 600)
    sky = make_sky(visits, detectors, 12, rng)
    here = Exposure(visits[0], detectors[0])
    raw = expose(here, sky, 20260110, has_satellite=False)
    images = process(raw, sky, 20260110, Version("demo"))
    rows = measure(images, 5.0)
    first, what = rows.iloc[0], recognise(images, rows).iloc[0]
    assert what["kind"] == "supernova"
    assert first["snr"] > 50
    assert first["templateFlux"] > 2000
    assert not any(first[name] for name in rows if "flag" in name.lower())


def test_the_same_seed_makes_the_same_rows_and_pixels(two_runs, tmp_path):
    again = make_demo(tmp_path, seed=7, size=300, visits=2, detectors=1, sources_per_detector=9)
    for name in ("DiaSource", "DiaObject", "DiaForcedSource"):
        rows = table(again.apdb, name)
        assert len(rows)
        pd.testing.assert_frame_equal(rows, table(two_runs.apdb, name))
    images = [
        Butler.from_config(str(demo.repo), collections=demo.collection).get(
            "difference_image", data_ids(demo)[0]
        )
        for demo in (two_runs, again)
    ]
    np.testing.assert_array_equal(images[0].image.array, images[1].image.array)
    np.testing.assert_array_equal(images[0].mask.array, images[1].mask.array)


def test_an_image_without_sources_has_an_empty_table(tmp_path, monkeypatch):
    monkeypatch.setattr("lsst.analysis.ap.demo._run.measure", lambda images, threshold: pd.DataFrame())
    demo = make_demo(tmp_path, size=200, visits=1, detectors=1)
    butler = Butler.from_config(str(demo.repo), collections=demo.collection)
    rows = butler.get("dia_source_detector", data_ids(demo)[0])
    assert len(rows) == len(table(demo.apdb, "DiaSource")) == len(pd.read_parquet(demo.truth)) == 0
    assert "diaSourceId" in rows.colnames


@pytest.mark.parametrize(
    ("name", "value"), [("size", 100), ("visits", 0), ("detectors", 0), ("sources_per_detector", -1)]
)
def test_numbers_that_are_too_small_are_refused(tmp_path, name, value):
    with pytest.raises(CutoutsError, match=f"{name} is {value}"):
        make_demo(tmp_path / "out", **{name: value})
    assert not (tmp_path / "out").exists()
