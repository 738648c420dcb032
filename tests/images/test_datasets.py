"""Handles of a quantum read what a repository finds."""

import pickle

import numpy as np
import pytest
from lsst.daf.butler import (
    Butler,
    CollectionType,
    DatasetRef,
    DatasetType,
    DeferredDatasetHandle,
    QuantumBackedButler,
    StorageClass,
    StorageClassFactory,
)
from lsst.daf.butler.direct_butler import DirectButler
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
        if name is not None
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
    datasets = HandleDatasets(**handles | {role: None}, dataset_types={role: f"a_{role}"})
    (result,) = TripletReader(datasets).read(DETECTOR, *small_repo.sky(X[:1], Y[:1]), [30])
    assert isinstance(result, StampError)
    assert str(result) == f"{role} image: no a_{role} for {DETECTOR} among the inputs of the quantum"


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
    assert str(missing) == f"footprints: no dataset for {AFW_DETECTOR} among the inputs of the quantum"


ONLY_SCIENCE = ImageTypes(TYPES.science, TYPES.science, None)


class CountedButler:
    """A butler that counts its searches."""

    def __init__(self, butler):
        self._butler = butler
        self.searches = []

    def __getattr__(self, name):
        return getattr(self._butler, name)

    def find_dataset(self, *args, **kwargs):
        self.searches.append("one")
        return self._butler.find_dataset(*args, **kwargs)

    def query_all_datasets(self, *args, **kwargs):
        self.searches.append("all")
        return self._butler.query_all_datasets(*args, **kwargs)


@pytest.fixture(scope="module")
def chained(tmp_path_factory):
    """A repository without files, whose collection "best" has run "b" before "a".

    Run "a" has the science images of detectors 0 to 4, run "b" those of 1 and
    2; neither has one of detector 5.
    """
    root = str(tmp_path_factory.mktemp("chained"))
    Butler.makeRepo(root)
    with Butler.from_config(root, writeable=True) as butler:
        registry = butler.registry
        registry.insertDimensionData("instrument", {"name": "Cam", "class_name": "none"})
        registry.insertDimensionData("physical_filter", {"instrument": "Cam", "name": "r", "band": "r"})
        registry.insertDimensionData("day_obs", {"instrument": "Cam", "id": 20260101})
        for number in range(6):
            detector = {"instrument": "Cam", "id": number, "full_name": f"D{number}"}
            registry.insertDimensionData("detector", detector)
        for visit in (7, 8):
            record = {"instrument": "Cam", "id": visit, "name": f"V{visit}", "physical_filter": "r"}
            registry.insertDimensionData("visit", record | {"day_obs": 20260101})
        dimensions = butler.dimensions.conform(["instrument", "visit", "detector"])
        dataset_type = DatasetType(TYPES.science, dimensions, "MaskedImageV2")
        registry.registerDatasetType(dataset_type)
        for run, detectors in (("a", range(5)), ("b", (1, 2))):
            registry.registerRun(run)
            ids = [{"instrument": "Cam", "visit": v, "detector": d} for v in (7, 8) for d in detectors]
            registry.insertDatasets(dataset_type, ids, run=run)
        butler.collections.register("best", CollectionType.CHAINED)
        butler.collections.redefine_chain("best", ["b", "a"])
    with Butler.from_config(root, collections="best") as butler:
        yield butler


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 2, 0, 1, 3, 4, 2]])
def test_earlier_collections_win_for_every_detector(chained, order):
    datasets = RepositoryDatasets(chained, TYPES)
    for detector in order:
        data_id = DetectorVisit("Cam", 7, detector)
        ref = datasets.find("science", data_id).ref
        assert ref == chained.find_dataset(TYPES.science, instrument="Cam", visit=7, detector=detector)
        assert ref.run == ("b" if detector in (1, 2) else "a")


def test_detectors_of_a_visit_are_found_at_once(chained):
    butler = CountedButler(chained)
    datasets = RepositoryDatasets(butler, ONLY_SCIENCE)
    for detector in (0, 0, 1, 2, 3, 4):
        datasets.find("science", DetectorVisit("Cam", 7, detector))
    assert butler.searches == ["all"]
    for visit in (8, 8, 7):
        datasets.find("science", DetectorVisit("Cam", visit, 1))
    assert butler.searches == ["all"] * 2


def test_not_all_visits_are_remembered(chained, monkeypatch):
    monkeypatch.setattr("lsst.analysis.ap.images._repository._REMEMBERED_DATASETS", 4)
    butler = CountedButler(chained)
    datasets = RepositoryDatasets(butler, ONLY_SCIENCE)
    for visit in (7, 8, 7):
        datasets.find("science", DetectorVisit("Cam", visit, 1))
    assert butler.searches == ["all"] * 3
    assert len(datasets._visits) == 1


def test_some_detectors_of_several_visits_are_found_at_once(chained):
    butler = CountedButler(chained)
    datasets = RepositoryDatasets(butler, ONLY_SCIENCE)
    datasets.prefetch(DetectorVisit("Cam", visit, detector) for visit in (7, 8) for detector in (0, 1))
    for visit in (7, 8, 7):
        for detector in (0, 1):
            ref = datasets.find("science", DetectorVisit("Cam", visit, detector)).ref
            assert ref == chained.find_dataset(
                TYPES.science, instrument="Cam", visit=visit, detector=detector
            )
    assert butler.searches == ["all"]


def test_what_was_not_there_is_looked_for_again(chained):
    butler = CountedButler(chained)
    datasets = RepositoryDatasets(butler, ONLY_SCIENCE)
    for _ in range(2):
        with pytest.raises(StampError):
            datasets.find("science", DetectorVisit("Cam", 7, 5))
    assert butler.searches == ["all"] * 2


def test_files_of_a_detector_are_asked_for_in_one_query(demo, monkeypatch):
    names = sorted(name for name in vars(TYPES).values() if name)
    questions = []
    ask = DirectButler.get_many_uris

    def counted(butler, refs, **kwargs):
        found = ask(butler, refs, **kwargs)
        questions.append(sorted(ref.datasetType.name for ref in found))
        return found

    with Butler.from_config(demo.repo, collections=demo.collection) as butler:
        refs = [list(butler.query_datasets(name, order_by="detector")) for name in names]
        expected = {ref.id: butler.getURI(ref) for of_type in refs for ref in of_type}
        monkeypatch.setattr(DirectButler, "get_many_uris", counted)
        datasets = RepositoryDatasets(butler, TYPES)
        for ref in refs[0][:2]:
            data_id = DetectorVisit(*(ref.dataId[name] for name in ("instrument", "visit", "detector")))
            for role in ("science", "template", "difference"):
                handle = datasets.find(role, data_id)
                assert datasets.locate(handle) == expected[handle.ref.id]
    assert questions == [names, names]


def test_a_file_that_is_written_again_is_read_again(demo, tmp_path):
    import shutil

    from lsst.analysis.ap.images._reader import RememberedImages

    root = shutil.copytree(demo.repo, tmp_path / "repo")
    with Butler.from_config(root, collections=demo.collection) as butler:
        first, second = list(butler.query_datasets("difference_image"))[:2]
        images = RememberedImages(1)
        box = Box(100, 110, 100, 110)

        def pixels(ref):
            image = images.open(DeferredDatasetHandle(butler, ref, None))
            (found,) = image.read([box])["image"]
            image.close()
            return image, found

        image, before = pixels(first)
        assert pixels(first)[0] is image
        shutil.copyfile(butler.getURI(second).ospath, butler.getURI(first).ospath)
        again, after = pixels(first)
        assert again is not image
        assert not np.array_equal(before, after)
        np.testing.assert_array_equal(after, pixels(second)[1])
        assert pixels(first)[0] is not again  # one file is remembered


def test_detector_without_a_dataset_says_so_after_others(chained):
    missing = DetectorVisit("Cam", 7, 5)

    def reason(datasets):
        with pytest.raises(StampError) as caught:
            datasets.find("science", missing)
        return str(caught.value)

    datasets = RepositoryDatasets(chained, TYPES)
    alone = reason(datasets)
    assert alone == f"no {TYPES.science} for {missing} in best"
    for detector in (0, 1):
        datasets.find("science", DetectorVisit("Cam", 7, detector))
    assert reason(datasets) == alone
    with pytest.raises(StampError, match=f"no {TYPES.template} for "):
        datasets.find("template", DetectorVisit("Cam", 7, 1))


def test_datasets_of_all_detectors_together_are_not_confused(chained):
    """Those of a whole visit have no detector of their own."""
    (root,) = chained.get_datastore_roots().values()
    with Butler.from_config(root.ospath, writeable=True, run="whole") as butler:
        dimensions = butler.dimensions.conform(["instrument", "visit"])
        butler.registry.registerDatasetType(DatasetType("whole_image", dimensions, "MaskedImageV2"))
        butler.registry.insertDatasets("whole_image", [{"instrument": "Cam", "visit": 7}], run="whole")
        datasets = RepositoryDatasets(butler, ImageTypes("whole_image", TYPES.template, TYPES.difference))
        refs = {datasets.find("science", DetectorVisit("Cam", 7, detector)).ref for detector in (0, 1, 2)}
    assert len(refs) == 1
