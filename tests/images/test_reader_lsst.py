"""Stamps of lsst.images datasets, however the repository stores them."""

import tracemalloc

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from lsst.daf.butler import Butler
from lsst.images import Box as LsstBox
from lsst.images import DetectorFrame, Image, Mask, MaskedImage, MaskPlane, MaskSchema, SkyProjection

from lsst.analysis.ap.domain import Box, DetectorVisit
from lsst.analysis.ap.images import (
    ImageTypes,
    RepositoryDatasets,
    StampError,
    TripletReader,
    find_image_types,
    read_triplets,
)
from lsst.analysis.ap.images._cut import cut_stamps
from lsst.analysis.ap.images._objects import ObjectImage
from lsst.analysis.ap.images.fits import _bytes

DETECTOR = DetectorVisit("SmallCam", 7, 3)
TYPES = ImageTypes("preliminary_visit_image", "template_detector", "difference_image")
STORED = {
    "fits": None,
    "json": {"parameters": {"format": "json"}},
    "sdf": {"parameters": {"format": "sdf"}},
    "memory": {"memory": True},
}
# PARENT pixels of the 120x120 images, whose first pixel is (200, 100): well
# inside, at a tie of the box rule (but for noise), over an edge, a corner and a corner again.
X = np.array([250.2, 260.0 + 1e-4, 201.3, 318.6, 199.2])
Y = np.array([150.7, 180.5 - 1e-4, 160.2, 218.3, 99.3])


def repo_config(how):
    if how is None:
        return None
    if "memory" in how:
        return {
            "datastore": {"cls": "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"},
        }
    if how["parameters"]["format"] == "sdf":
        pytest.importorskip("h5py")
    formatter = {"formatter": "lsst.images.formatters.GenericFormatter", **how}
    return {"datastore": {"formatters": {"MaskedImageV2": formatter, "ImageV2": formatter}}}


def assert_stamps(repo, results, sizes, *, masks):
    for x, y, result in zip(X, Y, results, strict=True):
        for triplet, size in zip(result, sizes, strict=True):
            for role, expected in repo.arrays.items():
                stamp = getattr(triplet, role)
                assert stamp.box == Box.from_center(x, y, size)
                padded = np.pad(expected, 200, constant_values=np.nan)
                rows = slice(stamp.box.y_start - repo.xy0[1] + 200, stamp.box.y_stop - repo.xy0[1] + 200)
                columns = slice(stamp.box.x_start - repo.xy0[0] + 200, stamp.box.x_stop - repo.xy0[0] + 200)
                np.testing.assert_array_equal(stamp.array, padded[rows, columns], strict=True)
                if masks:
                    saturated = np.pad(repo.masks[role], 200)[rows, columns]
                    off = np.pad(np.zeros_like(repo.masks[role]), 200, constant_values=True)[rows, columns]
                    np.testing.assert_array_equal(plane(stamp, "SAT"), saturated)
                    np.testing.assert_array_equal(plane(stamp, "STREAK"), ~saturated & ~off)
                    np.testing.assert_array_equal(plane(stamp, "NO_DATA"), off)
                else:
                    assert stamp.mask is None


def plane(stamp, name):
    return (stamp.mask >> stamp.mask_planes[name]) & 1 == 1


@pytest.mark.parametrize("how", STORED)
def test_masked_images(make_small_repo, how):
    repo = make_small_repo(config=repo_config(STORED[how]))
    reader = TripletReader(RepositoryDatasets(repo.butler, TYPES), planes=["SAT"])
    assert_stamps(repo, reader.read(DETECTOR, *repo.sky(X, Y), [30, 31]), [30, 31], masks=True)


@pytest.mark.parametrize("how", STORED)
def test_plain_images(make_small_repo, how):
    repo = make_small_repo("ImageV2", config=repo_config(STORED[how]))
    reader = TripletReader(RepositoryDatasets(repo.butler, TYPES))
    assert_stamps(repo, reader.read(DETECTOR, *repo.sky(X, Y), [30, 31]), [30, 31], masks=False)


def test_objects_in_memory(small_repo):
    repo = small_repo
    images = [
        repo.butler.get(name, instrument="SmallCam", visit=7, detector=3)
        for name in (TYPES.science, TYPES.template, TYPES.difference)
    ]
    science, template, difference = images
    results = read_triplets(template, science, difference, *repo.sky(X, Y), [30], planes=["SAT"])
    assert_stamps(repo, results, [30], masks=True)


def test_visit_images_of_the_demo(demo):
    with Butler.from_config(str(demo.repo)) as plain:
        collection = sorted(plain.collections.query("*"))
    with Butler.from_config(str(demo.repo), collections=collection) as butler:
        assert find_image_types(butler) == TYPES
        ref = butler.query_datasets("difference_image", limit=1)[0]
        data_id = DetectorVisit(*(ref.dataId[key] for key in ("instrument", "visit", "detector")))
        whole = butler.get(ref)
        x0, y0 = whole.bbox.x.start, whole.bbox.y.start
        sky = whole.sky_projection.pixel_to_sky(x=np.array([x0 + 50.3]), y=np.array([y0 + 77.8]))
        ((triplet,),) = TripletReader(RepositoryDatasets(butler, TYPES), planes=["SAT"]).read(
            data_id, sky.ra.deg, sky.dec.deg, [20]
        )
        np.testing.assert_array_equal(triplet.difference.array, whole.image.array[68:88, 41:61])
        np.testing.assert_array_equal(
            plane(triplet.difference, "DETECTED"), whole.mask.get("DETECTED")[68:88, 41:61]
        )
        assert triplet.pixel_scale == pytest.approx(0.2, rel=0.01)


def test_each_image_is_opened_once_for_many_sources(small_repo, monkeypatch):
    repo = small_repo
    opened = []

    class CountedBytes(_bytes.LocalBytes):
        def __init__(self, path):
            opened.append(path)
            super().__init__(path)

    monkeypatch.setattr("lsst.analysis.ap.images._reader.LocalBytes", CountedBytes)
    x, y = np.random.default_rng(1).uniform(20, 100, (2, 30))
    results = TripletReader(RepositoryDatasets(repo.butler, TYPES)).read(
        DETECTOR, *repo.sky(x + 200, y + 100), [30]
    )
    assert all(isinstance(result, tuple) for result in results)
    assert len(opened) == 3
    assert len(set(opened)) == 3


def test_all_positions_go_through_a_wcs_in_one_call(small_repo, monkeypatch):
    repo = small_repo
    calls = []
    from lsst.analysis.ap.images.wcs._ast import ProjectionSkyMap

    original = ProjectionSkyMap.sky_to_pixel
    monkeypatch.setattr(
        ProjectionSkyMap,
        "sky_to_pixel",
        lambda self, ra, dec: calls.append(len(ra)) or original(self, ra, dec),
    )
    TripletReader(RepositoryDatasets(repo.butler, TYPES)).read(DETECTOR, *repo.sky(X, Y), [30])
    assert calls == [5]  # the three images have the same one


def test_the_highest_mask_plane_is_a_plane_like_others():
    bbox = LsstBox.from_shape((40, 40))
    schema = MaskSchema([MaskPlane(f"PLANE{bit}", "") for bit in range(31)] + [MaskPlane("NO_DATA", "")])
    mask = Mask(schema=schema, bbox=bbox)
    mask.set("NO_DATA", np.eye(40, dtype=bool))
    wcs = WCS(fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 5.0}))
    frame = DetectorFrame(instrument="SmallCam", visit=7, detector=3, bbox=bbox)
    image = Image(np.ones((40, 40), np.float32), sky_projection=SkyProjection.from_fits_wcs(wcs, frame))
    masked = MaskedImage(image, mask=mask)
    stamps = cut_stamps(
        ObjectImage(masked), "science", np.array([38.0]), np.array([20.0]), np.array([[10]]), with_mask=True
    )
    ((stamp,),) = stamps
    assert stamp.mask_planes["NO_DATA"] == 31
    expected = np.ones((10, 10), bool)  # off the image there are no data either
    expected[:, :6] = np.eye(40, dtype=bool)[16:26, 34:40]
    np.testing.assert_array_equal(stamp.mask & (1 << 31) != 0, expected)


def test_images_without_a_mask_say_so(make_small_repo):
    repo = make_small_repo("ImageV2")
    results = TripletReader(RepositoryDatasets(repo.butler, TYPES), planes=["SAT"]).read(
        DETECTOR, *repo.sky(X, Y), [30]
    )
    assert all(isinstance(result, StampError) and "has no mask" in str(result) for result in results)


def test_positions_that_no_pixel_sees_spare_the_others(small_repo):
    ra, dec = small_repo.sky(X[:1], Y[:1])
    ra, dec = np.array([*ra, *(ra + 180), *ra, *(ra + 90)]), np.array([*dec, *(-dec), -90.0, 0.0])
    good, *bad = TripletReader(RepositoryDatasets(small_repo.butler, TYPES)).read(DETECTOR, ra, dec, [30])
    assert isinstance(good, tuple)
    assert np.isfinite(good[0].sky_jacobian).all()
    assert all(isinstance(result, StampError) and "wholly off" in str(result) for result in bad)


def test_datasets_packed_into_a_zip(small_repo, make_small_repo, tmp_path):
    refs = small_repo.butler.query_datasets("preliminary_visit_image")
    for name in ("template_detector", "difference_image"):
        refs += small_repo.butler.query_datasets(name)
    archive = small_repo.butler.retrieve_artifacts_zip(refs, tmp_path / "zip")
    other = make_small_repo()
    other.butler.pruneDatasets(
        [
            ref
            for name in (TYPES.science, TYPES.template, TYPES.difference)
            for ref in other.butler.query_datasets(name)
        ],
        disassociate=True,
        unstore=True,
        purge=True,
    )
    other.butler.ingest_zip(archive, transfer="copy")
    results = TripletReader(RepositoryDatasets(other.butler, TYPES), planes=["SAT"]).read(
        DETECTOR, *small_repo.sky(X, Y), [30]
    )
    assert_stamps(small_repo, results, [30], masks=True)


def test_memory_stays_below_a_plane_and_a_little(make_small_repo):
    repo = make_small_repo(side=1000)
    x, y = np.random.default_rng(1).uniform(20, 980, (2, 200))
    positions = repo.sky(x + 200, y + 100)
    reader = TripletReader(RepositoryDatasets(repo.butler, TYPES))
    reader.read(DETECTOR, positions[0][:1], positions[1][:1], [30])
    tracemalloc.start()
    try:
        results = reader.read(DETECTOR, *positions, [30])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    stamps = 3 * 200 * 30 * 30 * 4
    assert all(isinstance(result, tuple) for result in results)
    # The tiles of one plane, the bytes of one read, and what Python needs.
    assert peak < 4 * 1000**2 + stamps + 8e6
