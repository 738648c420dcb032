"""Templates out of the coadds of a release are those that afw makes of them."""

import logging
import pickle
import shutil

import numpy as np
import pyarrow as pa
import pytest
from lsst.daf.butler import CollectionType, DatasetRef, FileDataset
from scipy import ndimage

from lsst.analysis.ap.domain import DetectorVisit, SourceBatch
from lsst.analysis.ap.images import (
    ButlerAddress,
    RepositoryDatasets,
    StampError,
    TripletReader,
    find_image_types,
)
from lsst.analysis.ap.images._coadds import CoaddFinder
from lsst.analysis.ap.runs._neighbours import Neighbours
from lsst.analysis.ap.sources import find_neighbour_tables

VISITS = 2024110800245, 2024112000091
FIRST = DetectorVisit("LSSTComCam", VISITS[0], 4)
RUN = "LSSTComCam/runs/DRP"


def read(release, butler, visit, sizes=(51,), **options):
    """Return the results of the sources of a visit."""
    sources = release.sources(visit)
    ra, dec = ([source[name] for source in sources] for name in ("ra", "dec"))
    reader = TripletReader(RepositoryDatasets(butler, find_image_types(butler), **options))
    return reader.read(DetectorVisit("LSSTComCam", visit, 4), ra, dec, list(sizes))


@pytest.fixture(scope="module")
def results(release):
    """What every source has, by its identifier."""
    butler = release.butler("release")
    return {
        source["diaSourceId"]: result
        for visit in VISITS
        for source, result in zip(release.sources(visit), read(release, butler, visit, (30, 51)), strict=True)
    }


def test_every_source_on_a_detector_has_stamps(release, results):
    failed = [identifier for identifier, result in results.items() if isinstance(result, StampError)]
    assert sorted(set(results) - set(failed)) == sorted(release.ids)
    assert len(failed) == 1
    assert "wholly off the science image" in str(results[failed[0]])


def test_template_stamps_agree_with_afws(release, results):
    errors = []
    for identifier, truth, variance in zip(release.ids, release.images, release.variances, strict=True):
        stamp = results[identifier][1].template.array
        no_data = np.isnan(truth)
        assert np.isnan(stamp[no_data]).all(), "nothing is invented"
        border = np.pad(~no_data, 1, constant_values=True)
        far = (
            ndimage.distance_transform_cdt(border, "chessboard")[1:-1, 1:-1] >= 5
            if no_data.any()
            else ~no_data
        )
        assert np.isfinite(stamp[far]).all(), "nothing is lost"
        errors.append((np.abs(stamp - truth) / np.sqrt(variance))[far])
    errors = np.concatenate(errors)
    assert len(errors) > 110_000
    assert np.median(errors) < 0.01
    assert np.quantile(errors, 0.999) < 0.1
    # What an independent resampling reached, to the first digit.
    assert np.median(errors) < 0.002
    assert np.quantile(errors, 0.999) < 0.005


def test_holes_are_no_larger_than_they_are(release, results):
    """Where afw has data there are some, but for a few pixels at the rim."""
    lost = sum(
        np.isnan(results[identifier][1].template.array[~np.isnan(truth)]).sum()
        for identifier, truth in zip(release.ids, release.images, strict=True)
    )
    assert lost <= 5


def test_a_smaller_stamp_is_a_part_of_the_larger_one(results):
    for result in results.values():
        if isinstance(result, tuple):
            small, large = (triplet.template for triplet in result)
            inside = small.box.slices_within(large.box)
            np.testing.assert_array_equal(small.array, large.array[inside], strict=True)


def test_the_patches_under_a_source_are_named(release, results):
    for source in release.truth["sources"]:
        result = results[source["diaSourceId"]]
        if isinstance(result, StampError):
            continue
        origin = result[1].template_source
        assert origin.startswith("template_coadd of small_v1, band r: tract ")
        used = set()
        for part in origin.partition(": ")[2].split("; "):
            _, tract, _, patches = part.split(" ", 3)
            used |= {(int(tract), int(patch)) for patch in patches.split(", ")}
        assert used >= {tuple(pair) for pair in source["coadds"]}
        assert (0, 6) not in used


def test_a_template_of_the_pipelines_has_no_data_where_its_mask_says_so(release):
    """It holds 0 there."""
    for visit in VISITS:
        read_there = read(release, release.butler("release", "truth"), visit)
        for source, result in zip(release.sources(visit), read_there, strict=True):
            if isinstance(result, tuple):
                truth = release.images[release.ids.index(source["diaSourceId"])]
                np.testing.assert_array_equal(result[0].template.array, truth)
                assert result[0].template_source == ""


def test_masks_of_coadds_come_along(release):
    butler = release.butler("release")
    source = next(
        source for source in release.sources(VISITS[0]) if source["place"] == "near the missing patch"
    )
    reader = TripletReader(RepositoryDatasets(butler, find_image_types(butler)), planes=["NO_DATA"])
    ((triplet,),) = reader.read(FIRST, [source["ra"]], [source["dec"]], [51])
    no_data = triplet.template.mask & (1 << triplet.template.mask_planes["NO_DATA"]) != 0
    np.testing.assert_array_equal(no_data, np.isnan(triplet.template.array))
    assert 0 < no_data.sum() < no_data.size


def copy_dataset(butler, ref, name, run, tmp_path, **data_id):
    """Store the file of a dataset as another dataset."""
    butler.collections.register(run)
    path = tmp_path / f"{name}_{'_'.join(map(str, data_id.values()))}.fits"
    shutil.copyfile(butler.getURI(ref).ospath, path)
    data_id = butler.registry.expandDataId(data_id)
    copy = DatasetRef(butler.get_dataset_type(name), data_id, run=run)
    # Without obs_base there is no formatter of afw's, and nobody needs one.
    formatter = "lsst.images.formatters.GenericFormatter"
    butler.ingest(FileDataset(path=str(path), refs=[copy], formatter=formatter), transfer="move")
    return copy


def remove(butler, refs):
    butler.pruneDatasets(refs, disassociate=True, unstore=True, purge=True)


def test_visit_image_comes_before_preliminary_visit_image(own_release, tmp_path, caplog):
    butler = own_release.butler("release", "truth", writeable=True)
    template = butler.query_datasets("template_detector", visit=VISITS[0])[0]
    names = {"instrument": "LSSTComCam", "visit": VISITS[0], "detector": 4}
    copy_dataset(butler, template, "preliminary_visit_image", "more", tmp_path, **names)
    butler = butler.clone(collections=["more", "release"])
    types = find_image_types(butler)
    assert (types.science, types.second_science) == ("visit_image", "preliminary_visit_image")
    datasets = RepositoryDatasets(butler, types)
    assert datasets.find("science", FIRST).ref.datasetType.name == "visit_image"
    assert not caplog.records

    remove(butler, butler.query_datasets("visit_image", visit=VISITS[0]))
    datasets = RepositoryDatasets(butler, types)
    with caplog.at_level(logging.WARNING):
        for visit in VISITS * 2:
            datasets.find("science", DetectorVisit("LSSTComCam", visit, 4))
    (record,) = caplog.records
    assert record.message.startswith("Not every detector has a visit_image: where there is none (first ")
    assert record.message.endswith("the science image is preliminary_visit_image")


def test_templates_of_both_kinds_are_told(own_release, caplog):
    butler = own_release.butler("release", "truth", writeable=True)
    butler.pruneDatasets(
        butler.query_datasets("template_detector", visit=VISITS[1]),
        disassociate=True,
        unstore=True,
        purge=True,
    )
    types = find_image_types(butler)
    assert (types.template, types.coadd, types.template_is_coadd) == (
        "template_detector",
        "template_coadd",
        False,
    )
    with caplog.at_level(logging.WARNING):
        first, second = (read(own_release, butler, visit)[0][0] for visit in VISITS)
    assert not first.template_source
    assert second.template_source
    (record,) = caplog.records
    assert "Not every detector has a template_detector" in record.message
    assert "warped from template_coadd" in record.message


def test_coadds_of_another_band_do_not_count(own_release, tmp_path):
    butler = own_release.butler("release", writeable=True)
    (coadd,) = butler.query_datasets("template_coadd", where="tract = 0 AND patch = 10", skymap="small_v1")
    copy = copy_dataset(
        butler, coadd, "template_coadd", RUN, tmp_path, skymap="small_v1", tract=0, patch=10, band="i"
    )
    found = CoaddFinder(butler, "template_coadd", None).find(FIRST, None)
    assert coadd in found
    assert copy not in found
    assert {ref.dataId["band"] for ref in found} == {"r"}


def forget_regions(butler, *, patches):
    """Take the regions of detectors out of a repository, and those of patches."""
    elements = ["visit_detector_region", *(["patch"] if patches else [])]
    for element in elements:
        records = list(butler.registry.queryDimensionRecords(element))
        without = [record.toDict() | {"region": None} for record in records]
        butler.registry.insertDimensionData(element, *without, replace=True)


@pytest.mark.parametrize("patches", [False, True], ids=["patches have", "none at all"])
def test_coadds_are_found_without_regions(own_release, results, patches):
    butler = own_release.butler("release", writeable=True)
    forget_regions(butler, patches=patches)
    butler = own_release.butler("release")
    for source, result in zip(
        own_release.sources(VISITS[0]), read(own_release, butler, VISITS[0]), strict=True
    ):
        if isinstance(result, tuple):
            expected = results[source["diaSourceId"]][1]
            np.testing.assert_array_equal(result[0].template.array, expected.template.array)
            assert result[0].template_source == expected.template_source


@pytest.fixture
def two_skymaps(own_release, tmp_path):
    """A release whose patch 7 lies in another sky map too."""
    butler = own_release.butler("release", writeable=True)
    registry = butler.registry
    (skymap,) = registry.queryDimensionRecords("skymap")
    registry.insertDimensionData("skymap", skymap.toDict() | {"name": "another", "hash": b"1"})
    (patch,) = registry.queryDimensionRecords("patch", where="tract = 0 AND patch = 7", skymap="small_v1")
    (tract,) = registry.queryDimensionRecords("tract", where="tract = 0", skymap="small_v1")
    registry.insertDimensionData("tract", tract.toDict() | {"skymap": "another"})
    registry.insertDimensionData("patch", patch.toDict() | {"skymap": "another"})
    (coadd,) = butler.query_datasets("template_coadd", where="tract = 0 AND patch = 7", skymap="small_v1")
    copy_dataset(butler, coadd, "template_coadd", RUN, tmp_path, skymap="another", tract=0, patch=7, band="r")
    return own_release


def test_the_sky_map_that_covers_most_counts(two_skymaps, results):
    first = two_skymaps.sources(VISITS[0])[0]["diaSourceId"]
    (triplet,) = read(two_skymaps, two_skymaps.butler("release"), VISITS[0])[0]
    assert triplet.template_source == results[first][1].template_source
    np.testing.assert_array_equal(triplet.template.array, results[first][1].template.array)


def test_a_sky_map_can_be_chosen(two_skymaps):
    butler = two_skymaps.butler("release")
    origins = {
        result[0].template_source
        for result in read(two_skymaps, butler, VISITS[0], skymap="another")
        if isinstance(result, tuple)
    }
    whole, none = "tract 0 patch 7", "no patch"
    assert origins == {f"template_coadd of another, band r: {used}" for used in (whole, none)}
    (reason,) = {str(result) for result in read(two_skymaps, butler, VISITS[0], skymap="no such")}
    assert reason == (
        f"template image: no template_coadd in the band of {FIRST} in release (sky map 'no such')"
    )


def test_a_detector_without_any_coadd_says_so(own_release):
    butler = own_release.butler("release", writeable=True)
    types = find_image_types(butler)
    remove(butler, butler.query_datasets("template_coadd"))
    reader = TripletReader(RepositoryDatasets(butler, types))
    (reason,) = reader.read(FIRST, [53.1], [-28.1], [30])
    assert str(reason) == f"template image: no template_coadd in the band of {FIRST} in release"


def test_a_damaged_coadd_costs_the_detectors_that_need_it(own_release):
    butler = own_release.butler("release")
    (coadd,) = butler.query_datasets("template_coadd", where="tract = 1 AND patch = 4", skymap="small_v1")
    path = butler.getURI(coadd).ospath
    with open(path, "r+b") as file:
        file.truncate(60_000)
    damaged, fine = (read(own_release, butler, visit)[0] for visit in VISITS)
    assert isinstance(damaged, StampError)
    assert path in str(damaged)
    assert "is truncated" in str(damaged)
    assert fine is not None


def test_difference_images_are_required_unless_nobody_does(own_release):
    butler = own_release.butler("release", writeable=True)
    source = own_release.sources(VISITS[0])[0]
    place = [source["ra"]], [source["dec"]], [30]
    types = find_image_types(butler, require_difference=False)
    assert types.difference == "difference_image"
    reader = TripletReader(RepositoryDatasets(butler, types), require_difference=False)
    ((triplet,),) = reader.read(FIRST, *place)
    assert triplet.difference is not None

    butler.pruneDatasets(
        butler.query_datasets("difference_image", visit=VISITS[0]),
        disassociate=True,
        unstore=True,
        purge=True,
    )
    (reason,) = TripletReader(RepositoryDatasets(butler, types)).read(FIRST, *place)
    reader = TripletReader(RepositoryDatasets(butler, types), require_difference=False)
    assert str(reason) == (
        f"difference image: no difference_image for {FIRST} in release; releases may store none: "
        "requireDifference=False makes pictures without"
    )
    ((without,),) = TripletReader(RepositoryDatasets(butler, types), require_difference=False).read(
        FIRST, *place
    )
    assert without.difference is None
    np.testing.assert_array_equal(without.template.array, triplet.template.array)

    remove(butler, butler.query_datasets("difference_image"))
    with pytest.raises(Exception, match="requireDifference=False makes pictures without"):
        find_image_types(butler)
    assert find_image_types(butler, require_difference=False).difference is None


def test_a_damaged_difference_image_is_an_error_for_everybody(own_release):
    butler = own_release.butler("release")
    types = find_image_types(butler)
    path = butler.getURI(butler.query_datasets("difference_image", visit=VISITS[0])[0]).ospath
    with open(path, "r+b") as file:
        file.truncate(9000)
    reader = TripletReader(RepositoryDatasets(butler, types), require_difference=False)
    source = own_release.sources(VISITS[0])[0]
    (reason,) = reader.read(FIRST, [source["ra"]], [source["dec"]], [30])
    assert str(reason).startswith("difference image: ")


def test_workers_open_a_repository_again(release):
    class Unpicklable:
        """Stands for a butler of a server."""

        def __init__(self, butler):
            self._butler = butler

        def __getattr__(self, name):
            return getattr(self._butler, name)

        def __reduce__(self):
            raise TypeError("cannot pickle")

    butler = release.butler("release")
    address = ButlerAddress(str(release.root / "repo"), ("release",))
    datasets = RepositoryDatasets(
        Unpicklable(butler), find_image_types(butler), skymap="small_v1", address=address
    )
    again = pickle.loads(pickle.dumps(datasets))
    assert (again.skymap, again.image_types, again.address) == ("small_v1", datasets.image_types, address)
    assert again.find("science", FIRST).ref == datasets.find("science", FIRST).ref


def test_chains_count_as_the_butler_searches_them(own_release):
    butler = own_release.butler(writeable=True)
    butler.collections.register("mine", CollectionType.CHAINED)
    butler.collections.redefine_chain("mine", ["truth", "release"])
    assert find_image_types(butler.clone(collections=["mine"])).template == "template_detector"


@pytest.mark.parametrize("visit", VISITS)
def test_neighbours_are_where_afw_has_them(release, visit):
    tables = find_neighbour_tables(release.butler("release"), ["sources"])
    neighbours = Neighbours(tables, release.butler("release"))
    rows = [{k: s[k] for k in ("diaSourceId", "ra", "dec")} for s in release.sources(visit)]
    batch = SourceBatch(DetectorVisit("LSSTComCam", visit, 4), pa.Table.from_pylist(rows))
    found = neighbours.add(batch, read(release, release.butler("release"), visit, (160,)))
    known = {source["diaSourceId"]: (source["x"], source["y"]) for source in release.sources(visit)}
    compared = 0
    for identifier, result in zip(known, found, strict=True):
        if isinstance(result, StampError):
            continue
        places = np.array([(each.x, each.y) for each in result[0].neighbours]).reshape(-1, 2)
        others = np.array([place for other, place in known.items() if other != identifier])
        apart = np.hypot(*(places[:, np.newaxis] - others).T)  # (others, places)
        assert (apart.min(axis=0) < 1e-6).all()
        near = np.abs(others - result[0].position).max(axis=1) < 80
        assert (apart[near].min(axis=1, initial=np.inf) < 1e-6).all()
        compared += near.sum()
    assert compared > 50
