"""Arrays turned into the image classes of the pipelines."""

__all__ = ("make_image",)

from typing import TYPE_CHECKING, Any, cast

import astropy.units as u
import galsim
import numpy as np
from astro_metadata_translator import ObservationInfo
from numpy.typing import NDArray
from starlink import Ast

import lsst.images
from lsst.images import Image, VisitImage, cameras
from lsst.images.psfs import GaussianPointSpreadFunction

from ._camera import INSTRUMENT, PIXEL_SCALE, Exposure

if TYPE_CHECKING:
    from lsst.images.serialization import InputArchive

_PIXEL_MM = 0.01


def make_image[T: VisitImage](
    kind: type[T],
    exposure: Exposure,
    pixels: NDArray[np.floating],
    variance: NDArray[np.floating],
    planes: dict[str, NDArray[np.bool_]],
    psf: galsim.GSObject,
) -> T:
    """Make an image, as much larger than the detector as its arrays are, nJy and nJy²."""
    visit, detector = exposure.visit, exposure.detector
    box = detector.box.dilated_by((len(pixels) - detector.size) // 2)
    injected = lsst.images.MaskPlane("INJECTED", "Near a synthetic source that was injected.")
    schema = [*lsst.images.get_legacy_difference_image_mask_planes().values(), injected]
    mask = lsst.images.Mask(0, bbox=box, schema=lsst.images.MaskSchema(schema))
    for name, plane in planes.items():
        mask.set(name, plane)
    # Of the PSF models that can be stored without further packages the
    # Gaussian of the same width is the nearest to a Kolmogorov profile.
    sigma = psf.calculateFWHM() / PIXEL_SCALE / np.sqrt(8 * np.log(2))
    observed: dict[str, Any] = {"visit_id": visit.id, "physical_filter": f"{visit.passband.name}_demo"}
    return kind(
        Image(pixels.astype(np.float32), bbox=box, unit=u.nJy),
        variance=Image(variance.astype(np.float32), bbox=box, unit=u.nJy**2),
        mask=mask,
        sky_projection=exposure.projection,
        obs_info=ObservationInfo(instrument=INSTRUMENT, detector_num=detector.id, **observed),
        psf=GaussianPointSpreadFunction(sigma, stamp_size=31, bounds=box),
        detector=_detector(exposure),
        band=visit.passband.name,
    )


def _detector(exposure: Exposure) -> cameras.Detector:
    """Describe the detector and its place in the camera."""
    layout, x, y = exposure.detector, exposure.detector.box.x, exposure.detector.box.y
    offset = np.array(layout.offset) * _PIXEL_MM
    middle = np.array(layout.start) + (layout.size - 1) / 2
    cos, sin = np.cos(np.radians(layout.yaw)), np.sin(np.radians(layout.yaw))
    turn = np.array([[cos, sin], [-sin, cos]]) / _PIXEL_MM
    turned, shift = Ast.MatrixMap(turn.tolist()), Ast.ShiftMap((middle - turn @ offset).tolist())
    to_angle = Ast.ZoomMap(2, float(np.radians(PIXEL_SCALE / 3600)) / _PIXEL_MM)
    limits = f",Bottom(1)={x.start},Top(1)={x.stop},Bottom(2)={y.start},Top(2)={y.stop}"
    frames = Ast.FrameSet(_frame("FOCAL_PLANE", "FOCAL_PLANE", "mm"))
    frames.addframe(1, to_angle, _frame("FIELD_ANGLE", "FIELD_ANGLE", "rad"))
    pixels = _frame("PIXELS", f"DETECTOR_{layout.id}", "pixel", limits)
    frames.addframe(1, Ast.CmpMap(turned, shift, True), pixels)
    # The constructor of CameraFrameSet takes an object of a private module;
    # its serialization model takes the same thing as text, and no archive.
    camera = cameras.CameraFrameSetSerializationModel(instrument=INSTRUMENT, ast=str(frames))
    place = {"focal_plane_x": offset[0], "focal_plane_y": offset[1], "focal_plane_z": 0.0}
    attributes = cameras.DetectorAttributes(
        name=f"D{layout.id:02d}",
        id=layout.id,
        type=cameras.DetectorType.SCIENCE,
        serial=f"DEMO-{layout.id:03d}",
        bbox=layout.box,
        orientation=cameras.Orientation(
            **place, pixel_reference_x=middle[0], pixel_reference_y=middle[1], yaw=layout.yaw * u.deg
        ),
        pixel_size=_PIXEL_MM,
        physical_type="simulated",
    )
    return cameras.Detector(attributes, [], camera.deserialize(cast("InputArchive[Any]", None)))


def _frame(domain: str, ident: str, unit: str, limits: str = "") -> Ast.Frame:
    """Return a plane by AST's attributes."""
    return Ast.Frame(2, f"Domain={domain},Ident={ident},Unit(1)={unit},Unit(2)={unit}{limits}")
