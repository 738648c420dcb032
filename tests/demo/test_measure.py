from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from lsst.analysis.ap.demo._camera import DetectorLayout, Visit, make_layout
from lsst.analysis.ap.demo._images import DetectorImages, make_images
from lsst.analysis.ap.demo._measure import diasource_id, measure
from lsst.analysis.ap.demo._sky import make_sky


@pytest.fixture
def images(visit: Visit, detector: DetectorLayout, rng: np.random.Generator) -> DetectorImages:
    sky = make_sky([visit], make_layout(2, detector.size), 12, rng)
    return make_images(sky, visit, detector, streak=False, seed=4)


def rows_of(images: DetectorImages) -> list[dict[str, Any]]:
    return measure(images, np.random.default_rng(1))


def test_identifier_unpacks_to_what_was_packed(visit: Visit, detector: DetectorLayout) -> None:
    identifier = diasource_id(visit, detector, 37)

    assert identifier < 2**63
    assert len(str(identifier)) == 18
    assert identifier & (2**22 - 1) == 37
    assert identifier >> 22 & 255 == detector.id
    assert identifier >> 30 & (2**15 - 1) == visit.seq_num


def test_identifiers_of_different_exposures_differ(visit: Visit) -> None:
    later = replace(visit, day_obs=visit.day_obs + 1)
    identifiers = {
        diasource_id(which, detector, counter)
        for which in (visit, later, replace(visit, seq_num=visit.seq_num + 1))
        for detector in make_layout(4, 300)
        for counter in (1, 2, 300)
    }

    assert len(identifiers) == 36


def test_bright_transients_are_measured_at_their_true_flux_and_position(images: DetectorImages) -> None:
    rows = rows_of(images)
    events = images.events
    size = images.detector.size
    inside = (np.minimum(events.x, events.y) > 15) & (np.maximum(events.x, events.y) < size - 16)
    checked = 0
    for x, y, flux in zip(events.x[inside], events.y[inside], events.flux[inside], strict=True):
        alone = np.sort(np.hypot(events.x - x, events.y - y))[1] > 25
        distance = [np.hypot(row["x"] - 1200 - x, row["y"] - 800 - y) for row in rows]
        row = rows[int(np.argmin(distance))]
        clean = not any(row[name] for name in ("pixelFlags_saturated", "pixelFlags_cr", "isDipole"))
        if flux > 2500 and alone and clean and min(distance) < 2 and not row["centroid_flag"]:
            assert row["psfFlux"] == pytest.approx(flux, abs=5 * row["psfFluxErr"] + 0.03 * flux)
            assert min(distance) < 0.1 + 6 * row["xErr"]
            assert row["snr"] == pytest.approx(row["psfFlux"] / row["psfFluxErr"], rel=0.15)
            checked += 1

    assert checked >= 2


def test_sky_positions_are_those_of_the_pixels(images: DetectorImages) -> None:
    rows = rows_of(images)
    sky = SkyCoord([row["ra"] for row in rows], [row["dec"] for row in rows], unit="deg")
    x, y = images.projection.sky_to_pixel(sky)

    np.testing.assert_allclose(x, [row["x"] for row in rows], atol=1e-4)
    np.testing.assert_allclose(y, [row["y"] for row in rows], atol=1e-4)


def test_detected_planes_hold_every_peak(images: DetectorImages) -> None:
    rows = rows_of(images)
    mask = images.difference.mask
    either = mask["DETECTED"] | mask["DETECTED_NEGATIVE"]

    assert rows
    for row in rows:
        x, y = round(row["x"]) - 1200, round(row["y"]) - 800
        if not row["pixelFlags_offimage"]:
            assert either[y, x]


def test_image_without_sources_has_no_rows(images: DetectorImages) -> None:
    flat = replace(images.difference, image=np.zeros_like(images.difference.image))

    assert rows_of(replace(images, difference=flat)) == []


def test_sky_without_changing_sources_can_be_observed(
    visit: Visit, detector: DetectorLayout, rng: np.random.Generator
) -> None:
    sky = make_sky([visit], make_layout(2, detector.size), 0, rng)

    images = make_images(sky, visit, detector, streak=False, seed=4)

    assert images.events.is_mover.all()
    assert len(rows_of(images)) < 12
