"""Bad images cost their own sources, with a reason to act on."""

import numpy as np
import pytest
from lsst.daf.butler import Butler

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.images import ImageTypes, RepositoryDatasets, StampError, TripletReader

DETECTOR = DetectorVisit("LSSTCam", 123456, 94)
TYPES = ImageTypes("calexp", "goodSeeingDiff_templateExp", "goodSeeingDiff_differenceExp")


@pytest.fixture
def read(afw_repo, afw_sources):
    """Read one good source from a repository that a test may damage."""

    def read(data_id=DETECTOR, types=TYPES, collections="LSSTCam/runs/rice"):
        with Butler.from_config(str(afw_repo), collections=collections) as butler:
            return TripletReader(RepositoryDatasets(butler, types)).read(
                data_id, afw_sources.ra[:2], afw_sources.dec[:2], [30]
            )

    return read


def the_reason(results):
    assert all(isinstance(result, StampError) for result in results)
    assert len(results) == 2
    return str(results[0])


def test_missing_dataset_names_type_data_id_and_collections(read):
    reason = the_reason(read(data_id=DetectorVisit("LSSTCam", 123456, 95)))
    assert "calexp" in reason
    assert "detector: 95" in reason
    assert "LSSTCam/runs/rice" in reason


def test_unknown_dataset_type_is_named(read):
    reason = the_reason(read(types=ImageTypes("calexp", "template_detector", TYPES.difference)))
    assert "template image: no template_detector" in reason


@pytest.mark.parametrize("role", ["science", "template", "difference"])
def test_missing_file_is_named(read, afw_repo, role):
    path = next(afw_repo.rglob(f"{getattr(TYPES, role)}_*.fits"))
    path.unlink()
    reason = the_reason(read())
    assert reason.startswith(f"{role} image: ")
    assert path.name in reason


@pytest.mark.parametrize(
    ("size", "words"), [(0, "is empty"), (1000, "is not a FITS file"), (50_000, "is truncated")]
)
def test_short_file_is_named(read, afw_repo, size, words):
    path = next(afw_repo.rglob("goodSeeingDiff_templateExp_*.fits"))
    path.write_bytes(path.read_bytes()[:size])
    reason = the_reason(read())
    assert path.name in reason
    assert words in reason


def test_missing_run_is_a_missing_file(read):
    assert "uncompressed" in the_reason(read(collections="LSSTCam/runs/uncompressed"))


@pytest.mark.parametrize(("where", "value"), [(0, np.nan), (0, np.inf), (1, np.nan), (1, 90.01), (1, -90.01)])
def test_source_without_a_position_costs_only_itself(afw_butler, afw_sources, where, value):
    ra, dec = afw_sources.ra[:3].copy(), afw_sources.dec[:3].copy()
    (ra, dec)[where][1] = value
    good, bad, other = TripletReader(RepositoryDatasets(afw_butler, TYPES)).read(DETECTOR, ra, dec, [30])
    assert isinstance(bad, StampError)
    assert str(bad) == f"has no position: ra = {ra[1]}, dec = {dec[1]}"
    assert isinstance(good, tuple)
    assert isinstance(other, tuple)


def test_antipode_is_off_the_image(afw_butler, afw_sources):
    (result,) = TripletReader(RepositoryDatasets(afw_butler, TYPES)).read(
        DETECTOR, afw_sources.ra[:1] - 180, -afw_sources.dec[:1], [30]
    )
    assert isinstance(result, StampError)
    assert "wholly off" in str(result)


def test_positions_and_sizes_must_make_sense(afw_butler):
    reader = TripletReader(RepositoryDatasets(afw_butler, TYPES))
    with pytest.raises(ValueError, match="one length"):
        reader.read(DETECTOR, [1.0, 2.0], [1.0], [30])
    with pytest.raises(ValueError, match="positive"):
        reader.read(DETECTOR, [1.0], [1.0], [0])
