import galsim
import numpy as np
import pytest
from scipy.ndimage import correlate

from lsst.analysis.ap.demo._draw import psf_stamp
from lsst.analysis.ap.demo._measure import detect, forced_fluxes, measure, recognise, reliability
from lsst.analysis.ap.demo._sky import Source

FAR = Source("star", (53.0, -28.0), dict.fromkeys("gri", 1.0))

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def new(exposure):
    """A function that makes a source that is not in the template."""

    def make(x, y, flux, kind="supernova"):
        return Source(kind, exposure.to_sky(x, y), change=lambda band, mjd: flux)

    return make


def pixels_of(images, rows):
    return rows[["x", "y"]].to_numpy() - images.exposure.detector.start


def test_detection_is_a_matched_filter(observe, new):
    images = observe([new(90, 210, 3000.0), new(200, 100, -3000.0)])
    found, labels = detect(images, 5.0)
    profile = psf_stamp(images.raw.psf, images.exposure, 21)
    signal = correlate(images.difference.image.array, profile, mode="constant")
    noise = np.sqrt(correlate(images.difference.variance.array, profile**2, mode="constant"))
    snr = signal / noise
    assert [(row.x, row.y) for row in found.itertuples()] == [(200, 100), (90, 210)]
    for row in found.itertuples():
        assert row.snr == pytest.approx(snr[row.y, row.x], rel=1e-4)
        assert row.area == (labels == row.label).sum()
    assert list(np.sign(found["snr"])) == [-1, 1]
    detected, negative = (images.difference.mask.get(p) for p in ("DETECTED", "DETECTED_NEGATIVE"))
    np.testing.assert_array_equal(labels > 0, detected | negative)
    assert (snr > 5)[~detected].sum() == (snr < -5)[~negative].sum() == 0
    assert detected[210, 90]
    assert negative[100, 200]


def test_noise_has_no_sources(observe):
    images = observe([FAR])
    assert len(measure(images, 6.5)) == 0
    assert not images.difference.mask.get("DETECTED").any()


def test_fluxes_and_positions_have_the_errors_they_claim(observe, new):
    truth = np.array([[x, y] for x in range(30, 280, 35) for y in range(30, 280, 35)]) + 0.3
    pulls = []
    for seed in (1, 2):
        images = observe([new(x, y, 2500.0) for x, y in truth], seed=seed)
        rows = measure(images, 5.0)
        distance = np.hypot(*(pixels_of(images, rows)[:, None, :] - truth).T)
        rows = rows[(distance.min(axis=0) < 2) & ~rows["pixelFlags_bad"]]
        nearest = truth[distance.argmin(axis=0)[rows.index]]
        assert len(rows) > 45
        offset = pixels_of(images, rows) - nearest
        # Images are not aligned better than to some hundredths of a pixel.
        offset -= np.median(offset, axis=0)
        pulls.append(
            np.stack(
                [
                    (rows["psfFlux"] - 2500) / rows["psfFluxErr"],
                    (rows["apFlux"] - 2500 * 0.97) / rows["apFluxErr"],
                    (rows["scienceFlux"] - 2500) / rows["scienceFluxErr"],
                    rows["templateFlux"] / rows["templateFluxErr"],
                    *(offset / rows[["xErr", "yErr"]].to_numpy()).T,
                ]
            )
        )
        assert np.median(rows["psfChi2"] / rows["psfNdata"]) == pytest.approx(1, abs=0.05)
        np.testing.assert_allclose(rows["snr"], rows["psfFlux"] / rows["psfFluxErr"], rtol=0.12)
        assert (rows["psfNdata"] == 225).all()
    pulls = np.concatenate(pulls, axis=1)
    # The standard deviation of 100 values is known to 7 percent.
    np.testing.assert_allclose(pulls.std(axis=1), 1, atol=0.25)
    np.testing.assert_allclose(pulls.mean(axis=1), 0, atol=0.35)


def test_positions_on_the_sky_are_those_of_the_pixels(observe, new):
    images = observe([new(90, 210, 9000.0)])
    (row,) = measure(images, 5.0).itertuples()
    sky = images.difference.sky_projection.pixel_to_sky(x=row.x, y=row.y)
    assert (sky.ra.deg, sky.dec.deg) == pytest.approx((row.ra, row.dec), abs=1e-8)
    assert row.diaSourceId == images.exposure.first_id


def test_a_star_that_moved_is_a_dipole(exposure, observe):
    epoch = exposure.visit.mjd - 100
    star = Source(
        "star", exposure.to_sky(90, 210), dict.fromkeys("gri", 60_000.0), epoch=epoch, rate=(1.2e-3, 0.0)
    )
    images = observe([star])
    rows = measure(images, 5.0)
    (row,) = rows.itertuples()
    assert row.isDipole
    assert row.dipoleFitAttempted
    # The lobes of a shift that is not resolved are about a PSF apart.
    assert row.dipoleLength == pytest.approx(0.9, abs=0.4)
    assert np.hypot(*(pixels_of(images, rows)[0] - [90, 210])) < 1.5
    assert row.scienceFlux == pytest.approx(60_000, rel=0.1)
    assert row.templateFlux == pytest.approx(60_000, rel=0.1)


def test_shapes_tell_trails_from_points(observe, new, exposure):
    trail = Source(
        "asteroid",
        exposure.to_sky(200, 100),
        change=lambda band, mjd: 60_000.0,
        profile=galsim.Box(4.0, 0.02).rotate(0.4 * galsim.radians),
        reach=2.0,
    )
    images = observe([new(90, 210, 30_000.0), trail])
    moving, point = measure(images, 5.0).itertuples()
    for row in (point, moving):
        assert not row.shape_flag
    psf = np.array([point.ixxPSF, point.iyyPSF, point.ixyPSF])
    np.testing.assert_allclose([point.ixx, point.iyy, point.ixy], psf, atol=0.06 * psf[0])
    assert point.extendedness < 0.2
    assert moving.extendedness == 1
    assert moving.ixx + moving.iyy > 3 * (psf[0] + psf[1])


def test_edges_truncate_what_is_measured(observe, new):
    images = observe([new(-1.2, 100, 30_000.0), new(3, 200, 30_000.0), new(150, 150, 30_000.0)])
    outside, inside, middle = measure(images, 5.0).sort_values("x").itertuples()
    for row in (outside, inside):
        assert row.psfFlux_flag
        assert row.psfFlux_flag_edge
        assert row.forced_PsfFlux_flag_edge
        assert row.apFlux_flag_apertureTruncated
        assert row.pixelFlags_edge
        assert row.psfFlux == pytest.approx(30_000, rel=0.1)
    assert outside.pixelFlags_offimage
    assert not inside.pixelFlags_offimage
    assert not any((middle.psfFlux_flag, middle.apFlux_flag, middle.pixelFlags_edge))


def test_forced_fluxes_are_linear_least_squares(observe, new):
    images = observe([new(90.3, 209.8, 4000.0)])
    place = np.array([[90.3, 209.8]])
    (flux,), (error,), *_ = forced_fluxes(images.difference, images.raw.psf, images.exposure, place)
    rows, columns = np.mgrid[203:218, 83:98]
    profile = images.raw.psf.drawImage(
        nx=15, ny=15, wcs=images.exposure.jacobian, method="no_pixel", offset=(0.3, -0.2)
    ).array
    data, variance = (a.array[203:218, 83:98] for a in (images.difference.image, images.difference.variance))
    weight = profile / variance
    assert (rows.mean(), columns.mean()) == (210, 90)
    assert flux == pytest.approx((weight * data).sum() / (weight * profile).sum(), rel=2e-3)
    assert error == pytest.approx((weight * profile).sum() ** -0.5)


def test_what_each_source_is_and_how_reliable(observe, new, rng):
    star = Source("star", new(200, 100, 0.0).place, dict.fromkeys("gri", 80_000.0), rate=(0.0, 1e-5))
    images = observe([new(90, 210, 4000.0), star, new(210, 230, 300.0)])
    rows = measure(images, 5.0)
    truth = recognise(images, rows).sort_values("kind")
    assert list(truth["kind"]) == ["dipole", "supernova"]
    assert list(truth["isReal"]) == [False, True]
    assert list(truth["trueFlux"]) == [0, 4000]
    assert list(truth["number"]) == [-1, 0]
    many = rows.loc[np.repeat(rows.index, 2000)].reset_index(drop=True)
    is_real = np.repeat(~rows["isDipole"].to_numpy(), 2000)
    score = reliability(many.assign(isReal=is_real), rng)
    assert 0 < score.min() < score.max() < 1
    assert np.median(score[is_real]) > 0.8
    assert np.median(score[~is_real]) < 0.05
