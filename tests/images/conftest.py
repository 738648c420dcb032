import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS, Sip
from lsst.daf.butler import Butler, Config, DatasetType
from lsst.images import Box as LsstBox
from lsst.images import (
    DetectorFrame,
    Image,
    MaskedImage,
    MaskSchema,
    SkyProjection,
    get_legacy_difference_image_mask_planes,
)

from lsst.analysis.ap.domain import DetectorVisit

AFW = Path(__file__).parents[1] / "data" / "afw"
MORE_AFW = Path(__file__).parents[2].parent / "shared" / "data" / "afw"

AFW_DETECTOR = DetectorVisit("LSSTCam", 123456, 94)


@dataclass
class AfwSources:
    """The sources whose stamps afw itself recorded."""

    ids: list
    kinds: list
    ra: np.ndarray
    dec: np.ndarray
    x: np.ndarray
    y: np.ndarray
    cutouts: dict
    mask_planes: dict

    def index(self, kind):
        return self.kinds.index(kind)


@pytest.fixture(scope="session")
def afw_samples():
    return json.loads((AFW / "samples.json").read_text())


@pytest.fixture(scope="session")
def afw_sources(afw_samples):
    sources = afw_samples["sources"]
    return AfwSources(
        ids=[s["diaSourceId"] for s in sources],
        kinds=[s["kind"] for s in sources],
        ra=np.array([s["ra"] for s in sources]),
        dec=np.array([s["dec"] for s in sources]),
        x=np.array([s["x"] for s in sources]),
        y=np.array([s["y"] for s in sources]),
        cutouts=afw_samples["cutouts"],
        mask_planes=afw_samples["mask_planes"],
    )


@pytest.fixture
def afw_repo(tmp_path):
    """A copy of the repository that afw wrote, for tests that damage it."""
    return Path(shutil.copytree(AFW / "repo", tmp_path / "repo", copy_function=shutil.copyfile))


@pytest.fixture(scope="session")
def afw_butler(tmp_path_factory):
    repo = shutil.copytree(
        AFW / "repo", tmp_path_factory.mktemp("afw") / "repo", copy_function=shutil.copyfile
    )
    with Butler.from_config(str(repo), collections="LSSTCam/runs/rice") as butler:
        yield butler


@pytest.fixture(scope="session")
def afw_files():
    """The files of the repository that afw wrote, by dataset type."""
    return {path.name.split("_LSSTCam")[0]: path for path in (AFW / "repo").rglob("*.fits")}


@pytest.fixture
def more_afw():
    """A function that returns the path of a file of afw's own tests, which is not ours to copy."""

    def find(name, what):
        if not (MORE_AFW / name).is_file():
            pytest.skip(f"not tested without {name} of afw's tests: {what}")
        return MORE_AFW / name

    return find


RELEASE = Path(__file__).parents[1] / "data" / "release.tar.xz"


@dataclass
class Release:
    """What a data release publishes, with what afw makes of it."""

    root: Path
    truth: dict
    """Geometry and sources; see the README in the archive."""

    images: np.ndarray
    """Template stamps of 51 pixels that afw cut, NaN where NO_DATA."""

    variances: np.ndarray
    ids: list
    """diaSourceId of each stamp."""

    def sources(self, visit):
        return [source for source in self.truth["sources"] if source["visit"] == visit]

    def butler(self, *collections, **kwargs):
        return Butler.from_config(str(self.root / "repo"), collections=collections or None, **kwargs)


@pytest.fixture(scope="session")
def release_archive(tmp_path_factory):
    root = tmp_path_factory.mktemp("release")
    with tarfile.open(RELEASE) as archive:
        archive.extractall(root, filter="data")
    return root / "release"


@pytest.fixture(scope="session")
def release(release_archive):
    """A data release, not to be written to."""
    return open_release(release_archive)


@pytest.fixture
def own_release(release_archive, tmp_path):
    """A copy of the data release."""
    return open_release(Path(shutil.copytree(release_archive, tmp_path / "release")))


def open_release(root):
    with np.load(root / "truth.npz") as arrays:
        stamps = dict(arrays)
    truth = json.loads((root / "truth.json").read_text())
    return Release(root, truth, stamps["image"], stamps["variance"], stamps["diaSourceId"].tolist())


SMALL_DETECTOR = DetectorVisit("SmallCam", 7, 3)
SMALL_ROLES = {
    "preliminary_visit_image": "science",
    "template_detector": "template",
    "difference_image": "difference",
}


@dataclass
class SmallRepo:
    """Three images of one detector, with what was put into them."""

    root: Path
    butler: Butler
    wcs: WCS
    """From pixels of the array, 0-based."""

    xy0: tuple
    arrays: dict
    """Pixels by role: template, science, difference."""

    masks: dict
    """Boolean arrays of the plane SATURATED by role."""

    def sky(self, x, y):
        """Return the position of PARENT pixels according to astropy."""
        sky = self.wcs.pixel_to_world(np.asarray(x) - self.xy0[0], np.asarray(y) - self.xy0[1])
        return sky.ra.deg, sky.dec.deg


def distorted_wcs(side):
    """A rotated TAN-SIP, a few pixels off TAN in the corners."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    wcs.wcs.crval = [53.1, -27.8]
    wcs.wcs.crpix = [side / 2, side / 3]
    turn = np.radians(33)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    wcs.wcs.cd = rotation @ np.diag([-0.2, 0.2]) / 3600
    a, b = np.zeros((4, 4)), np.zeros((4, 4))
    a[2, 0], a[1, 1], a[0, 3] = 3e-5, -2e-5, 4e-8
    b[0, 2], b[1, 1], b[3, 0] = -1e-5, 3e-5, -3e-8
    wcs.sip = Sip(a, b, None, None, wcs.wcs.crpix)
    return wcs


def lsst_image(role, wcs, xy0, side, storage_class="MaskedImageV2"):
    """Make an image of lsst.images; return it with its pixels and one plane."""
    bbox = LsstBox.from_shape((side, side), start=xy0[::-1])
    rng = np.random.default_rng(sorted(SMALL_ROLES.values()).index(role))
    pixels = rng.normal(0, 30, bbox.shape).astype(np.float32)
    pixels[5:10, :20] = np.nan
    saturated = rng.random(bbox.shape) < 0.02
    frame = DetectorFrame(instrument="SmallCam", visit=7, detector=3, bbox=bbox)
    projection = SkyProjection.from_fits_wcs(wcs, frame, pixel_bounds=bbox, x0=xy0[0], y0=xy0[1])
    if storage_class == "ImageV2":
        return Image(pixels, bbox=bbox, unit=u.nJy, sky_projection=projection), pixels, saturated
    image = MaskedImage(
        Image(pixels, bbox=bbox, unit=u.nJy),
        variance=Image(np.full(bbox.shape, 900, np.float32), bbox=bbox, unit=u.nJy**2),
        mask_schema=MaskSchema(list(get_legacy_difference_image_mask_planes().values())),
        sky_projection=projection,
    )
    image.mask.set("SATURATED", saturated)
    image.mask.set("STREAK", ~saturated)
    return image, pixels, saturated


@pytest.fixture(scope="session")
def small_repo(make_small_repo):
    """Three FITS images of lsst.images; not to be written to."""
    return make_small_repo()


@pytest.fixture(scope="session")
def make_small_repo(tmp_path_factory):
    """Return a function that writes three images of lsst.images."""

    def make(storage_class="MaskedImageV2", config=None, side=120, xy0=(200, 100)):
        root = str(tmp_path_factory.mktemp("small"))
        Butler.makeRepo(root, config=Config(config) if config else None)
        butler = Butler.from_config(root, writeable=True, run="small")
        registry, name = butler.registry, SMALL_DETECTOR.instrument
        registry.insertDimensionData("instrument", {"name": name, "class_name": "none"})
        registry.insertDimensionData("physical_filter", {"instrument": name, "name": "r", "band": "r"})
        registry.insertDimensionData("detector", {"instrument": name, "id": 3, "full_name": "three"})
        registry.insertDimensionData("day_obs", {"instrument": name, "id": 20260101})
        visit = {"instrument": name, "id": 7, "name": "seven", "physical_filter": "r", "day_obs": 20260101}
        registry.insertDimensionData("visit", visit)
        dimensions = butler.dimensions.conform(["instrument", "visit", "detector"])
        repo = SmallRepo(Path(root), butler, distorted_wcs(side), xy0, {}, {})
        for dataset_type, role in SMALL_ROLES.items():
            registry.registerDatasetType(DatasetType(dataset_type, dimensions, storage_class))
            image, repo.arrays[role], repo.masks[role] = lsst_image(role, repo.wcs, xy0, side, storage_class)
            butler.put(image, dataset_type, instrument=name, visit=7, detector=3)
        return repo

    return make


@pytest.fixture(scope="session")
def afw_recorded():
    """The arrays of afw's own cutouts."""
    with np.load(AFW / "cutouts_rice.npz") as arrays:
        return dict(arrays)
