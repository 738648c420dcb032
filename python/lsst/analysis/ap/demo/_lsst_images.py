"""Arrays turned into the image classes of the pipelines."""

__all__ = ("image_datasets",)

from typing import TYPE_CHECKING, Any, cast

import astropy.time
import astropy.units as u
import numpy as np
import starlink.Ast
from astro_metadata_translator import ObservationInfo
from astropy.coordinates import SkyCoord

from lsst.images import (
    Box,
    DifferenceImage,
    Image,
    Mask,
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

from ._camera import AB_ZERO_POINT, EXPOSURE_TIME, INSTRUMENT, PIXEL_SCALE, DetectorLayout, Visit
from ._images import DetectorImages, MaskedPixels
from ._psf import MoffatPsf

if TYPE_CHECKING:
    from lsst.images.serialization import InputArchive

_PIXEL_MM = 0.01
"""Side of a pixel in the focal plane, millimetres."""


def image_datasets(images: DetectorImages) -> dict[str, VisitImage]:
    """Make the datasets of one detector in one visit.

    Parameters
    ----------
    images : `DetectorImages`
        The pixels.

    Returns
    -------
    datasets : `dict` [`str`, `lsst.images.VisitImage`]
        By dataset type: ``preliminary_visit_image``, ``template_detector``
        and ``difference_image``; the last two are
        `lsst.images.DifferenceImage`.
    """
    box = _box(images.detector)
    visit_planes = MaskSchema(list(get_legacy_visit_image_mask_planes().values()))
    difference_planes = MaskSchema(list(get_legacy_difference_image_mask_planes().values()))
    science = _dataset(VisitImage, images, images.science, images.science_psf, visit_planes)
    template = _dataset(DifferenceImage, images, images.template, images.template_psf, difference_planes)
    difference = _dataset(DifferenceImage, images, images.difference, images.science_psf, difference_planes)
    difference.kernel = ImageBasisConvolutionKernel(
        images.kernel[None], [ChebyshevField(box, np.ones((1, 1)))]
    )
    return {
        "preliminary_visit_image": science,
        "template_detector": template,
        "difference_image": difference,
    }


def _box(layout: DetectorLayout) -> Box:
    """Return the pixels of a detector, PARENT coordinates."""
    return Box.factory[
        layout.y_start : layout.y_start + layout.size, layout.x_start : layout.x_start + layout.size
    ]


def _dataset[T: VisitImage](
    kind: type[T], images: DetectorImages, pixels: MaskedPixels, psf: MoffatPsf, schema: MaskSchema
) -> T:
    """Make one image with what is known about the exposure."""
    box = _box(images.detector)
    mask = Mask(0, bbox=box, schema=schema)
    for name, plane in pixels.mask.items():
        mask.set(name, plane)
    summary = {
        "psfSigma": psf.sigma,
        "zeroPoint": AB_ZERO_POINT,
        "expTime": EXPOSURE_TIME,
        "pixelScale": PIXEL_SCALE,
    }
    return kind(
        Image(pixels.image.astype(np.float32), bbox=box, unit=u.nJy),
        variance=Image(pixels.variance.astype(np.float32), bbox=box, unit=u.nJy**2),
        mask=mask,
        sky_projection=images.projection,
        obs_info=_observation(images.visit, images.detector),
        summary_stats=ObservationSummaryStats.model_validate(summary),
        # Of the PSF models that can be stored without further packages the
        # Gaussian of the same width is the nearest to a Moffat profile.
        psf=GaussianPointSpreadFunction(psf.sigma, stamp_size=31, bounds=box),
        detector=_detector(images.detector, box),
        band=images.visit.passband.name,
    )


def _observation(visit: Visit, layout: DetectorLayout) -> ObservationInfo:
    begin = astropy.time.Time(visit.mjd_begin, format="mjd", scale="tai")
    return ObservationInfo(
        instrument=INSTRUMENT,
        telescope="Demo Telescope",
        observation_type="science",
        observation_id=f"{visit.day_obs}_{visit.seq_num:06d}",
        visit_id=visit.id,
        exposure_id=visit.id,
        observing_day=visit.day_obs,
        observation_counter=visit.seq_num,
        detector_num=layout.id,
        detector_name=layout.name,
        physical_filter=visit.passband.physical_filter,
        exposure_time=EXPOSURE_TIME * u.s,
        datetime_begin=begin,
        datetime_end=begin + EXPOSURE_TIME * u.s,
        tracking_radec=SkyCoord(visit.ra, visit.dec, unit="deg", frame="icrs"),
    )


def _detector(layout: DetectorLayout, box: Box) -> Detector:
    """Describe the detector and its place in the camera."""
    # The constructor of CameraFrameSet takes an object of a private module;
    # its serialization model takes the same thing as text, and no archive.
    frames = CameraFrameSetSerializationModel(instrument=INSTRUMENT, ast=_camera_frames(layout, box))
    camera = frames.deserialize(cast("InputArchive[Any]", None))
    attributes = DetectorAttributes(
        name=layout.name,
        id=layout.id,
        type=DetectorType.SCIENCE,
        serial=f"DEMO-{layout.id:03d}",
        bbox=box,
        orientation=Orientation(
            focal_plane_x=layout.offset[0] / PIXEL_SCALE * _PIXEL_MM,
            focal_plane_y=layout.offset[1] / PIXEL_SCALE * _PIXEL_MM,
            focal_plane_z=0.0,
            pixel_reference_x=layout.x_start + (layout.size - 1) / 2,
            pixel_reference_y=layout.y_start + (layout.size - 1) / 2,
            yaw=layout.yaw * u.rad,
        ),
        pixel_size=_PIXEL_MM,
        physical_type="simulated",
    )
    return Detector(attributes, [], camera)


def _camera_frames(layout: DetectorLayout, box: Box) -> str:
    """Return the AST FrameSet of focal plane, field angle and detector."""
    ast = starlink.Ast
    frames = ast.FrameSet(ast.Frame(2, "Domain=FOCAL_PLANE,Ident=FOCAL_PLANE,Unit(1)=mm,Unit(2)=mm"))
    radians_per_mm = float(np.radians(PIXEL_SCALE / 3600)) / _PIXEL_MM
    frames.addframe(
        1,
        ast.ZoomMap(2, radians_per_mm),
        ast.Frame(2, "Domain=FIELD_ANGLE,Ident=FIELD_ANGLE,Unit(1)=rad,Unit(2)=rad"),
    )
    cos, sin = np.cos(layout.yaw), np.sin(layout.yaw)
    to_center = ast.ShiftMap([-offset / PIXEL_SCALE * _PIXEL_MM for offset in layout.offset])
    turn = ast.MatrixMap((np.array([[cos, sin], [-sin, cos]]) / _PIXEL_MM).tolist())
    to_corner = ast.ShiftMap([start + (layout.size - 1) / 2 for start in (layout.x_start, layout.y_start)])
    frames.addframe(
        1,
        ast.CmpMap(ast.CmpMap(to_center, turn, True), to_corner, True),
        ast.Frame(
            2,
            f"Domain=PIXELS,Ident=DETECTOR_{layout.id},Unit(1)=pixel,Unit(2)=pixel,"
            f"Bottom(1)={box.x.start},Top(1)={box.x.stop},Bottom(2)={box.y.start},Top(2)={box.y.stop}",
        ),
    )
    return str(frames)
