"""Arrays turned into the image classes of the pipelines."""

__all__ = ("make_image",)

from typing import TYPE_CHECKING, Any, cast

import astropy.time
import astropy.units as u
import galsim
import numpy as np
from astro_metadata_translator import ObservationInfo
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray
from starlink import Ast

import lsst.images
from lsst.images import DifferenceImage, Image, VisitImage, cameras
from lsst.images.convolution_kernels import ImageBasisConvolutionKernel
from lsst.images.fields import ChebyshevField
from lsst.images.psfs import GaussianPointSpreadFunction

from ._camera import AB_ZERO_POINT, EXPOSURE_TIME, INSTRUMENT, PIXEL_SCALE, Exposure

if TYPE_CHECKING:
    from lsst.images.serialization import InputArchive

_PIXEL_MM = 0.01
"""Side of a pixel in the focal plane, millimetres."""


def make_image[T: VisitImage](
    kind: type[T],
    exposure: Exposure,
    pixels: NDArray[np.floating],
    variance: NDArray[np.floating],
    planes: dict[str, NDArray[np.bool_]],
    psf: galsim.GSObject,
    kernel: NDArray[np.float64] | None = None,
) -> T:
    """Make an image, as much larger than the detector as its arrays are.

    Pixels are in nJy and their variance in nJy²; ``kernel`` is what the
    template of a difference was convolved with.
    """
    box = exposure.detector.box.dilated_by((len(pixels) - exposure.detector.size) // 2)
    if issubclass(kind, DifferenceImage):
        schema = lsst.images.get_legacy_difference_image_mask_planes()
    else:
        schema = lsst.images.get_legacy_visit_image_mask_planes()
    injected = lsst.images.MaskPlane("INJECTED", "Near a synthetic source that was injected.")
    mask = lsst.images.Mask(0, bbox=box, schema=lsst.images.MaskSchema([*schema.values(), injected]))
    for name, plane in planes.items():
        mask.set(name, plane)
    # Of the PSF models that can be stored without further packages the
    # Gaussian of the same width is the nearest to a Kolmogorov profile.
    sigma = psf.calculateFWHM() / PIXEL_SCALE / np.sqrt(8 * np.log(2))
    summary = {"psfSigma": sigma, "zeroPoint": AB_ZERO_POINT, "expTime": EXPOSURE_TIME}
    image = kind(
        Image(pixels.astype(np.float32), bbox=box, unit=u.nJy),
        variance=Image(variance.astype(np.float32), bbox=box, unit=u.nJy**2),
        mask=mask,
        sky_projection=exposure.projection,
        obs_info=_observation(exposure),
        summary_stats=lsst.images.ObservationSummaryStats.model_validate(summary),
        psf=GaussianPointSpreadFunction(sigma, stamp_size=31, bounds=box),
        detector=_detector(exposure),
        band=exposure.visit.passband.name,
    )
    if isinstance(image, DifferenceImage) and kernel is not None:
        image.kernel = ImageBasisConvolutionKernel(kernel[None], [ChebyshevField(box, np.ones((1, 1)))])
    return image


def _observation(exposure: Exposure) -> ObservationInfo:
    visit, detector = exposure.visit, exposure.detector
    begin = astropy.time.Time(visit.mjd_begin, format="mjd", scale="tai")
    return ObservationInfo(
        instrument=INSTRUMENT,
        observation_type="science",
        observation_id=visit.name,
        visit_id=visit.id,
        exposure_id=visit.id,
        observing_day=visit.day_obs,
        detector_num=detector.id,
        detector_name=detector.name,
        physical_filter=f"{visit.passband.name}_demo",
        exposure_time=EXPOSURE_TIME * u.s,
        datetime_begin=begin,
        datetime_end=begin + EXPOSURE_TIME * u.s,
        tracking_radec=SkyCoord(*visit.boresight, unit="deg", frame="icrs"),
    )


def _detector(exposure: Exposure) -> cameras.Detector:
    """Describe the detector and its place in the camera."""
    layout, (x, y) = exposure.detector, (exposure.detector.box.x, exposure.detector.box.y)
    focal_plane = [offset * _PIXEL_MM for offset in layout.offset]
    frames = Ast.FrameSet(Ast.Frame(2, "Domain=FOCAL_PLANE,Ident=FOCAL_PLANE,Unit(1)=mm,Unit(2)=mm"))
    angle = Ast.Frame(2, "Domain=FIELD_ANGLE,Ident=FIELD_ANGLE,Unit(1)=rad,Unit(2)=rad")
    frames.addframe(1, Ast.ZoomMap(2, float(np.radians(PIXEL_SCALE / 3600)) / _PIXEL_MM), angle)
    cos, sin = np.cos(np.radians(layout.yaw)), np.sin(np.radians(layout.yaw))
    turn = Ast.MatrixMap((np.array([[cos, sin], [-sin, cos]]) / _PIXEL_MM).tolist())
    to_pixels = Ast.CmpMap(Ast.ShiftMap([-offset for offset in focal_plane]), turn, True)
    middle = [start + (layout.size - 1) / 2 for start in layout.start]
    to_pixels = Ast.CmpMap(to_pixels, Ast.ShiftMap(middle), True)
    pixels = f"Domain=PIXELS,Ident=DETECTOR_{layout.id},Unit(1)=pixel,Unit(2)=pixel"
    limits = f"Bottom(1)={x.start},Top(1)={x.stop},Bottom(2)={y.start},Top(2)={y.stop}"
    frames.addframe(1, to_pixels, Ast.Frame(2, f"{pixels},{limits}"))
    # The constructor of CameraFrameSet takes an object of a private module;
    # its serialization model takes the same thing as text, and no archive.
    camera = cameras.CameraFrameSetSerializationModel(instrument=INSTRUMENT, ast=str(frames))
    attributes = cameras.DetectorAttributes(
        name=layout.name,
        id=layout.id,
        type=cameras.DetectorType.SCIENCE,
        serial=f"DEMO-{layout.id:03d}",
        bbox=layout.box,
        orientation=cameras.Orientation(
            focal_plane_x=focal_plane[0],
            focal_plane_y=focal_plane[1],
            focal_plane_z=0.0,
            pixel_reference_x=middle[0],
            pixel_reference_y=middle[1],
            yaw=layout.yaw * u.deg,
        ),
        pixel_size=_PIXEL_MM,
        physical_type="simulated",
    )
    return cameras.Detector(attributes, [], camera.deserialize(cast("InputArchive[Any]", None)))
