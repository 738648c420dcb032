"""Arrays turned into the image classes of the pipelines."""

__all__ = ("image_datasets",)

from typing import TYPE_CHECKING, Any, cast

import astropy.time
import astropy.units as u
import galsim
import numpy as np
import starlink.Ast as ast
from astro_metadata_translator import ObservationInfo
from astropy.coordinates import SkyCoord

from lsst.images import (
    DifferenceImage,
    Image,
    Mask,
    MaskPlane,
    MaskSchema,
    ObservationSummaryStats,
    VisitImage,
    get_legacy_difference_image_mask_planes,
    get_legacy_visit_image_mask_planes,
)
from lsst.images.cameras import (
    CameraFrameSetSerializationModel,
    Detector,
    DetectorAttributes,
    DetectorType,
    Orientation,
)
from lsst.images.convolution_kernels import ImageBasisConvolutionKernel
from lsst.images.fields import ChebyshevField
from lsst.images.psfs import GaussianPointSpreadFunction

from ._camera import AB_ZERO_POINT, EXPOSURE_TIME, INSTRUMENT, PIXEL_SCALE, Exposure
from ._images import Images, MaskedPixels

if TYPE_CHECKING:
    from lsst.images.serialization import InputArchive

_PIXEL_MM = 0.01
"""Side of a pixel in the focal plane, millimetres."""

_INJECTED = (
    MaskPlane("INJECTED", "Near a synthetic source in the science image."),
    MaskPlane("INJECTED_TEMPLATE", "Near a synthetic source in the template."),
)


def image_datasets(images: Images) -> dict[str, VisitImage]:
    """Return the three images by dataset type; template and difference are DifferenceImages."""
    visit_planes = MaskSchema([*get_legacy_visit_image_mask_planes().values(), *_INJECTED])
    planes = MaskSchema([*get_legacy_difference_image_mask_planes().values(), *_INJECTED])
    difference = _dataset(DifferenceImage, images, images.difference, images.psf, planes)
    constant = ChebyshevField(images.exposure.detector.box, np.ones((1, 1)))
    difference.kernel = ImageBasisConvolutionKernel(images.kernel[None], [constant])
    return {
        "preliminary_visit_image": _dataset(VisitImage, images, images.science, images.psf, visit_planes),
        "template_detector": _dataset(DifferenceImage, images, images.template, images.template_psf, planes),
        "difference_image": difference,
    }


def _dataset[T: VisitImage](
    kind: type[T], images: Images, pixels: MaskedPixels, psf: galsim.GSObject, schema: MaskSchema
) -> T:
    """Make one image with what is known about the exposure."""
    exposure = images.exposure
    box = exposure.detector.box.dilated_by((len(pixels.image) - exposure.detector.size) // 2)
    mask = Mask(0, bbox=box, schema=schema)
    for name, plane in pixels.mask.items():
        mask.set(name, plane)
    # Of the PSF models that can be stored without further packages the
    # Gaussian of the same width is the nearest to a Kolmogorov profile.
    sigma = psf.calculateFWHM() / PIXEL_SCALE / np.sqrt(8 * np.log(2))
    summary = {
        "psfSigma": sigma,
        "zeroPoint": AB_ZERO_POINT,
        "expTime": EXPOSURE_TIME,
        "pixelScale": PIXEL_SCALE,
    }
    return kind(
        Image(pixels.image.astype(np.float32), bbox=box, unit=u.nJy),
        variance=Image(pixels.variance.astype(np.float32), bbox=box, unit=u.nJy**2),
        mask=mask,
        sky_projection=exposure.projection,
        obs_info=_observation(exposure),
        summary_stats=ObservationSummaryStats.model_validate(summary),
        psf=GaussianPointSpreadFunction(sigma, stamp_size=31, bounds=box),
        detector=_detector(exposure),
        band=exposure.visit.passband.name,
    )


def _observation(exposure: Exposure) -> ObservationInfo:
    visit = exposure.visit
    begin = astropy.time.Time(visit.mjd_begin, format="mjd", scale="tai")
    return ObservationInfo(
        instrument=INSTRUMENT,
        telescope="Demo Telescope",
        observation_type="science",
        observation_id=visit.name,
        visit_id=visit.id,
        exposure_id=visit.id,
        observing_day=visit.day_obs,
        observation_counter=visit.seq_num,
        detector_num=exposure.detector.id,
        detector_name=exposure.detector.name,
        physical_filter=visit.passband.physical_filter,
        exposure_time=EXPOSURE_TIME * u.s,
        datetime_begin=begin,
        datetime_end=begin + EXPOSURE_TIME * u.s,
        tracking_radec=SkyCoord(*visit.boresight, unit="deg", frame="icrs"),
    )


def _detector(exposure: Exposure) -> Detector:
    """Describe the detector and its place in the camera."""
    layout = exposure.detector
    middle = [start + (layout.size - 1) / 2 for start in layout.start]
    focal_plane = [offset * _PIXEL_MM for offset in layout.offset]
    frames = ast.FrameSet(ast.Frame(2, "Domain=FOCAL_PLANE,Ident=FOCAL_PLANE,Unit(1)=mm,Unit(2)=mm"))
    to_angle = ast.ZoomMap(2, float(np.radians(PIXEL_SCALE / 3600)) / _PIXEL_MM)
    frames.addframe(1, to_angle, ast.Frame(2, "Domain=FIELD_ANGLE,Ident=FIELD_ANGLE,Unit(1)=rad,Unit(2)=rad"))
    cos, sin = np.cos(np.radians(layout.yaw)), np.sin(np.radians(layout.yaw))
    turn = ast.MatrixMap((np.array([[cos, sin], [-sin, cos]]) / _PIXEL_MM).tolist())
    to_pixels = ast.CmpMap(ast.ShiftMap([-offset for offset in focal_plane]), turn, True)
    to_pixels = ast.CmpMap(to_pixels, ast.ShiftMap(middle), True)
    (x, y), pixel = (layout.box.x, layout.box.y), f"Domain=PIXELS,Ident=DETECTOR_{layout.id}"
    pixel += f",Unit(1)=pixel,Unit(2)=pixel,Bottom(1)={x.start},Top(1)={x.stop}"
    frames.addframe(1, to_pixels, ast.Frame(2, f"{pixel},Bottom(2)={y.start},Top(2)={y.stop}"))
    # The constructor of CameraFrameSet takes an object of a private module;
    # its serialization model takes the same thing as text, and no archive.
    camera = CameraFrameSetSerializationModel(instrument=INSTRUMENT, ast=str(frames))
    attributes = DetectorAttributes(
        name=layout.name,
        id=layout.id,
        type=DetectorType.SCIENCE,
        serial=f"DEMO-{layout.id:03d}",
        bbox=layout.box,
        orientation=Orientation(
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
    return Detector(attributes, [], camera.deserialize(cast("InputArchive[Any]", None)))
