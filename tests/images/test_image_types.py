"""The dataset types are found in the repository."""

import shutil

import pytest
from lsst.daf.butler import Butler, DatasetType

from lsst.analysis.ap.domain import CutoutsError
from lsst.analysis.ap.images import ImageTypes, find_image_types


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A repository that knows one visit of one detector; not to be written to."""
    root = tmp_path_factory.mktemp("empty") / "repo"
    Butler.makeRepo(root)
    with Butler.from_config(root, writeable=True) as butler:
        insert = butler.registry.insertDimensionData
        insert("instrument", {"name": "Cam", "class_name": "none"})
        insert("physical_filter", {"instrument": "Cam", "name": "r", "band": "r"})
        insert("detector", {"instrument": "Cam", "id": 1, "full_name": "one"})
        insert("day_obs", {"instrument": "Cam", "id": 20260101})
        visit = {"instrument": "Cam", "id": 1, "name": "1", "physical_filter": "r", "day_obs": 20260101}
        insert("visit", visit)
    return root


@pytest.fixture
def repo(empty, tmp_path):
    """Return a function that puts datasets, which are small dictionaries."""
    butler = Butler.from_config(shutil.copytree(empty, tmp_path / "repo"), writeable=True, run="run")

    def put(*names, run="run"):
        for name in names:
            dimensions = butler.dimensions.conform(["instrument", "visit", "detector"])
            butler.registry.registerDatasetType(DatasetType(name, dimensions, "StructuredDataDict"))
            butler.collections.register(run)
            butler.put({}, name, instrument="Cam", visit=1, detector=1, run=run)
        return butler.clone(collections=[run])

    return put


NEW = ("template_detector", "difference_image")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["preliminary_visit_image", *NEW], ("preliminary_visit_image", *NEW)),
        (["visit_image", *NEW], ("visit_image", *NEW)),
        (
            ["preliminary_visit_image", "visit_image", "calexp", *NEW],
            ("visit_image", *NEW, None, "preliminary_visit_image"),
        ),
        (["calexp", *NEW], ("calexp", *NEW)),
        (
            ["calexp", "deepDiff_templateExp", "deepDiff_differenceExp"],
            ("calexp", "deepDiff_templateExp", "deepDiff_differenceExp"),
        ),
        (
            ["initial_pvi", "calexp", "goodSeeingDiff_warpedExp", "goodSeeingDiff_differenceExp"],
            ("initial_pvi", "goodSeeingDiff_warpedExp", "goodSeeingDiff_differenceExp"),
        ),
        (
            ["calexp", "deepDiff_templateExp", "goodSeeingDiff_templateExp", "goodSeeingDiff_differenceExp"],
            ("calexp", "goodSeeingDiff_templateExp", "goodSeeingDiff_differenceExp"),
        ),
        (
            ["visit_image", "calexp", "a_templateExp", "a_differenceExp"],
            ("calexp", "a_templateExp", "a_differenceExp"),
        ),
    ],
)
def test_newest_set_that_belongs_together(repo, names, expected):
    assert find_image_types(repo(*names)) == ImageTypes(*expected)


def test_named_types_win(repo):
    butler = repo("visit_image", "calexp", "my_template", *NEW)
    assert find_image_types(butler, science="calexp") == ImageTypes("calexp", *NEW)
    assert find_image_types(butler, template="my_template") == ImageTypes(
        "visit_image", "my_template", "difference_image"
    )


def test_only_types_with_datasets_in_the_collections_count(repo):
    repo("preliminary_visit_image", run="elsewhere")
    assert find_image_types(repo("visit_image", *NEW)).science == "visit_image"


def test_types_whose_datasets_were_removed_do_not_count(repo):
    butler = repo("preliminary_visit_image", "visit_image", *NEW)
    refs = butler.query_datasets("preliminary_visit_image")
    butler.pruneDatasets(refs, unstore=True, purge=True, disassociate=True)
    assert find_image_types(butler).science == "visit_image"


def test_named_type_that_does_not_exist(repo):
    with pytest.raises(CutoutsError, match=r"no datasets of type 'clexp' \(scienceImageType\)"):
        find_image_types(repo("calexp", *NEW), science="clexp")


def test_missing_type_says_what_was_looked_for_what_there_is_and_the_option(repo):
    with pytest.raises(CutoutsError) as caught:
        find_image_types(repo("calexp", "difference_image"))
    message = str(caught.value)
    assert "template_detector or *_templateExp or *_warpedExp" in message
    assert "calexp, difference_image" in message
    assert "set templateImageType" in message


def test_images_that_do_not_belong_together(repo):
    with pytest.raises(CutoutsError, match="belong together"):
        find_image_types(repo("calexp", "deepDiff_templateExp", "goodSeeingDiff_differenceExp"))


def test_collections_must_be_named_and_exist(repo):
    butler = repo("calexp")
    with pytest.raises(CutoutsError, match="no collections"):
        find_image_types(butler.clone(collections=[]))
    with pytest.raises(CutoutsError, match="nowhere"):
        find_image_types(butler.clone(collections=["nowhere"]))
