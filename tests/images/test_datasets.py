"""Handles of a quantum read what a repository finds."""

import pickle

import numpy as np
import pytest
from lsst.daf.butler import (
    Butler,
    DatasetRef,
    DatasetType,
    QuantumBackedButler,
    StorageClass,
    StorageClassFactory,
)
from lsst.images import MaskedImage

from lsst.analysis.ap.domain import Box, DetectorVisit
from lsst.analysis.ap.images import (
    FootprintReader,
    HandleDatasets,
    ImageTypes,
    RepositoryDatasets,
    StampError,
    TripletReader,
)

DETECTOR = DetectorVisit("SmallCam", 7, 3)
TYPES = ImageTypes("preliminary_visit_image", "template_detector", "difference_image")
AFW_DETECTOR = DetectorVisit("LSSTCam", 123456, 94)
AFW_TYPES = ImageTypes("calexp", "goodSeeingDiff_templateExp", "goodSeeingDiff_differenceExp")
X = np.array([250.2, 201.3, 199.2, 900.0])
Y = np.array([150.7, 160.2, 99.3, 900.0])
JSON = {"formatter": "lsst.images.formatters.GenericFormatter", "parameters": {"format": "json"}}


def refs_of(butler, types, data_id):
    """Return the three datasets by role."""
    return {
        role: butler.find_dataset(
            name,
            instrument=data_id.instrument,
            visit=data_id.visit,
            detector=data_id.detector,
            dimension_records=True,
        )
        for role, name in vars(types).items()
    }


def quantum_butler(butler, root, refs, *, records):
    """Return a butler as a quantum has it, with the records of the files or without."""
    return QuantumBackedButler.from_predicted(
        str(root),
        predicted_inputs=[ref.id for ref in refs],
        predicted_outputs=[],
        dimensions=butler.dimensions,
        datastore_records=butler._datastore.export_records(refs) if records else {},
    )


@pytest.fixture(scope="module")
def afw_quantum(afw_butler):
    """A quantum's butler with all that afw wrote for one detector."""
    (root,) = afw_butler.get_datastore_roots().values()
    return quantum_butler(afw_butler, root.ospath, afw_butler.query_all_datasets(), records=True)


def declared(ref, storage_class):
    """Return a dataset as a task's connection may declare it."""
    dataset_type = DatasetType(ref.datasetType.name, ref.dimensions, storage_class)
    return DatasetRef(dataset_type, ref.dataId, ref.run, id=ref.id)


def assert_equal(results, others):
    """Check that stamps, boxes and errors are the same."""
    for result, other in zip(results, others, strict=True):
        if isinstance(result, StampError):
            assert str(result) == str(other)
            continue
        for triplet, twin in zip(result, other, strict=True):
            assert triplet.position == twin.position
            np.testing.assert_array_equal(triplet.sky_jacobian, twin.sky_jacobian)
            for stamp, same in zip(triplet.stamps, twin.stamps, strict=True):
                assert stamp.box == same.box
                assert stamp.mask_planes == same.mask_planes
                np.testing.assert_array_equal(stamp.array, same.array, strict=True)
                np.testing.assert_array_equal(stamp.mask, same.mask, strict=True)


@pytest.mark.parametrize("how", ["deferred", "quantum", "quantum without records"])
@pytest.mark.parametrize("stored", ["fits", "json"])
def test_handles_give_the_same_triplets(make_small_repo, small_repo, stored, how):
    repo = small_repo
    if stored == "json":
        repo = make_small_repo(config={"datastore": {"formatters": {"MaskedImageV2": JSON}}})
    refs = refs_of(repo.butler, TYPES, DETECTOR)
    butler = repo.butler
    if how != "deferred":
        butler = quantum_butler(repo.butler, repo.root, refs.values(), records=how == "quantum")
    datasets = HandleDatasets(**{role: butler.getDeferred(ref) for role, ref in refs.items()})
    args = (DETECTOR, *repo.sky(X, Y), [30, 7])
    expected = TripletReader(RepositoryDatasets(repo.butler, TYPES), planes=["SAT"]).read(*args)
    assert [isinstance(result, StampError) for result in expected] == [False, False, False, True]
    assert_equal(TripletReader(datasets, planes=["SAT"]).read(*args), expected)


def test_handles_of_afws_files(afw_butler, afw_sources, afw_quantum):
    """What the quantum knows as an ExposureF is read from its file, without afw."""
    datasets = HandleDatasets(
        **{
            role: afw_quantum.getDeferred(ref, storageClass="VisitImage")
            for role, ref in refs_of(afw_butler, AFW_TYPES, AFW_DETECTOR).items()
        }
    )
    args = (AFW_DETECTOR, afw_sources.ra, afw_sources.dec, [30])
    expected = TripletReader(RepositoryDatasets(afw_butler, AFW_TYPES)).read(*args)
    assert_equal(TripletReader(datasets).read(*args), expected)


def test_storage_class_of_a_ref_does_not_matter_to_files(small_repo):
    """The task's connection calls it what no package here can read."""
    refs = refs_of(small_repo.butler, TYPES, DETECTOR)
    butler = quantum_butler(small_repo.butler, small_repo.root, refs.values(), records=True)
    handles = {role: butler.getDeferred(declared(ref, "ExposureF")) for role, ref in refs.items()}
    (result,) = TripletReader(HandleDatasets(**handles)).read(DETECTOR, *small_repo.sky(X[:1], Y[:1]), [30])
    assert isinstance(result, tuple)


def test_storage_class_of_a_handle_is_what_the_butler_reads(make_small_repo):
    """The task's connection calls it something that has no components."""
    repo = make_small_repo(config={"datastore": {"formatters": {"MaskedImageV2": JSON}}})
    StorageClassFactory().registerStorageClass(StorageClass("Opaque", pytype=MaskedImage))
    handles = {
        role: repo.butler.getDeferred(declared(ref, "Opaque"), storageClass="MaskedImageV2")
        for role, ref in refs_of(repo.butler, TYPES, DETECTOR).items()
    }
    args = (DETECTOR, *repo.sky(X[:3], Y[:3]), [30])
    expected = TripletReader(RepositoryDatasets(repo.butler, TYPES), planes=["SAT"]).read(*args)
    assert_equal(TripletReader(HandleDatasets(**handles), planes=["SAT"]).read(*args), expected)


@pytest.mark.parametrize("role", ["science", "template", "difference"])
def test_role_without_a_handle_costs_its_sources(small_repo, role):
    handles = {
        role: small_repo.butler.getDeferred(ref)
        for role, ref in refs_of(small_repo.butler, TYPES, DETECTOR).items()
    }
    datasets = HandleDatasets(**handles | {role: None})
    (result,) = TripletReader(datasets).read(DETECTOR, *small_repo.sky(X[:1], Y[:1]), [30])
    assert isinstance(result, StampError)
    assert str(result) == f"{role} image: the quantum of {DETECTOR} has none"


def test_handle_of_another_detector_is_not_taken(small_repo):
    refs = refs_of(small_repo.butler, TYPES, DETECTOR)
    datasets = HandleDatasets(**{role: small_repo.butler.getDeferred(ref) for role, ref in refs.items()})
    other = DetectorVisit("SmallCam", 7, 4)
    (result,) = TripletReader(datasets).read(other, *small_repo.sky(X[:1], Y[:1]), [30])
    assert f"has {refs['science']}, not that of {other}" in str(result)


def test_handle_whose_file_is_gone_costs_its_sources(make_small_repo):
    repo = make_small_repo()
    refs = refs_of(repo.butler, TYPES, DETECTOR)
    repo.butler.pruneDatasets([refs["template"]], disassociate=False, unstore=True)
    butler = quantum_butler(repo.butler, repo.root, refs.values(), records=True)
    datasets = HandleDatasets(**{role: butler.getDeferred(ref) for role, ref in refs.items()})
    (result,) = TripletReader(datasets).read(DETECTOR, *repo.sky(X[:1], Y[:1]), [30])
    assert str(result).startswith("template image: template_detector@")
    assert "has no file for it" in str(result)


def test_reader_of_a_repository_pickles(small_repo):
    with Butler.from_config(str(small_repo.root), collections="small") as butler:
        reader = TripletReader(RepositoryDatasets(butler, TYPES), planes=["SAT"])
        args = (DETECTOR, *small_repo.sky(X, Y), [30])
        expected = reader.read(*args)
        assert_equal(pickle.loads(pickle.dumps(reader)).read(*args), expected)


def test_handle_of_a_catalogue_gives_the_same_footprints(afw_butler, afw_sources, afw_quantum):
    name = "goodSeeingDiff_diaSrc"
    by_name = FootprintReader(RepositoryDatasets(afw_butler, AFW_TYPES, footprints=name))
    (ref,) = afw_butler.query_datasets(name)
    by_handle = FootprintReader(HandleDatasets(footprints=afw_quantum.getDeferred(ref)))
    ids = [*afw_sources.ids, 17]
    expected, boxes = by_name.read(AFW_DETECTOR, ids), by_handle.read(AFW_DETECTOR, ids)
    assert isinstance(expected[0], Box)
    assert isinstance(expected[-1], StampError)
    assert [str(box) for box in boxes] == [str(box) for box in expected]


def test_quantum_without_a_catalogue_says_so():
    (missing,) = FootprintReader(HandleDatasets()).read(AFW_DETECTOR, [17])
    assert str(missing) == f"footprints: the quantum of {AFW_DETECTOR} has none"
