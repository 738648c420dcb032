"""Every choice of looks that a run leaves to its user."""

__all__ = ("LooksConfig",)

import dataclasses
from collections.abc import Sequence
from typing import Any

from lsst.pex.config import ChoiceField, Config, Field, FieldValidationError, ListField, RangeField

from ..domain import Triplet
from ._style import RENAMED, PictureStyle, StyleError

_STRETCHES = {
    "asinh": "Inverse hyperbolic sine: faint and bright features together.",
    "linear": "Proportional to the pixel value.",
    "log": "Logarithmic: the widest range of brightness.",
    "sqrt": "Square root: between linear and log.",
}
_INTERVALS = {
    "minmax": "From the least to the greatest pixel value of the stamp.",
    "percentile": "The central pixel values of the stamp; percentile says how many.",
    "zscale": "IRAF's zscale: the contrast of the sky, bright pixels saturated.",
}


class _OrientationField(ChoiceField[str]):
    """A choice that knows its values' earlier names."""

    def _validateValue(self, value: Any) -> None:
        if value in RENAMED:
            raise ValueError(f"orientation {value!r} is called {RENAMED[value]!r} now")
        super()._validateValue(value)


class LooksConfig(Config):
    """Configuration of what a picture looks like."""

    sizes = ListField[int](
        doc="Sides of the square stamps in pixels; the picture has one row of panels for each.",
        default=[30],
        minLength=1,
    )
    addMetadata = Field[bool](
        doc="Write five rows of catalogue values and flag words above the panels. Leave it off for "
        "volunteers, whom numbers would influence; turn it on to debug image differencing.",
        default=False,
    )
    imageStretch = ChoiceField[str](
        doc="How brightness follows pixel values in the template and science panels.",
        allowed=_STRETCHES,
        default="asinh",
        optional=False,
    )
    imageInterval = ChoiceField[str](
        doc="Which pixel values span the colours of the template and science panels.",
        allowed=_INTERVALS,
        default="minmax",
        optional=False,
    )
    asinhA = RangeField(
        doc="Where the asinh stretch turns from linear to logarithmic, as a fraction of the interval.",
        dtype=float,
        default=0.1,
        min=0.0,
        max=1.0,
        inclusiveMin=False,
        inclusiveMax=True,
    )
    differenceStretch = ChoiceField[str](
        doc="How brightness follows pixel values in the difference panel.",
        allowed=_STRETCHES,
        default="linear",
        optional=False,
    )
    differenceInterval = ChoiceField[str](
        doc="Which pixel values span the colours of the difference panel.",
        allowed=_INTERVALS,
        default="zscale",
        optional=False,
    )
    colorMap = Field[str](doc="matplotlib's name of the colour map.", default="bone")
    differenceColorMap = Field[str](
        doc="Colour map of the difference panel. When not set: colorMap, or a diverging one when "
        "differenceSymmetric is set.",
        optional=True,
        default=None,
    )
    panelPixels = RangeField(
        doc="Wanted side of a panel in screen pixels. Each stamp is enlarged by the whole number that comes "
        "nearest, so that its pixels stay square and equal.",
        dtype=int,
        default=210,
        min=90,
        max=1000,
        inclusiveMax=True,
    )

    background = ChoiceField[str](
        doc="Colour of the paper.",
        allowed={"light": "White, with dark words.", "dark": "Near black, with light words."},
        default="light",
        optional=False,
    )
    percentile = RangeField(
        doc="How many per cent of the pixels lie within a 'percentile' interval.",
        dtype=float,
        default=99.5,
        min=0.0,
        max=100.0,
        inclusiveMin=False,
        inclusiveMax=True,
    )
    limitsRegion = RangeField(
        doc="Take the limits from the central square of this many pixels a side, so that a bright neighbour "
        "does not decide them. When not set: from the whole stamp.",
        dtype=int,
        optional=True,
        default=None,
        min=1,
    )
    differenceLimitsRegion = RangeField(
        doc="The same for the difference panel. When not set: limitsRegion.",
        dtype=int,
        optional=True,
        default=None,
        min=1,
    )
    imageLimits = ListField[float](
        doc="Pixel values that have the first and the last colour in the template and science panels, in the "
        "unit of the images, the same for all pictures. When not set: imageInterval decides for each.",
        optional=True,
        default=None,
        length=2,
    )
    differenceLimits = ListField[float](
        doc="The same for the difference panel. When not set: differenceInterval decides.",
        optional=True,
        default=None,
        length=2,
    )
    sharedLimits = Field[bool](
        doc="Show template and science between the same limits, so that equal shades are equal fluxes.",
        default=False,
    )
    differenceSymmetric = Field[bool](
        doc="Give zero the middle colour of the difference's map; the map is then a diverging one unless "
        "differenceColorMap is set.",
        default=False,
    )
    colorBar = Field[bool](
        doc="Draw a bar below each panel that says which colour is which pixel value.",
        default=False,
    )
    orientation = _OrientationField(
        doc="Which way is up.",
        dtype=str,
        allowed={
            "pixels": "The rows of the image.",
            "nearest-north": "The side nearest to north, with east to the left; pixels are turned and "
            "reflected whole.",
            "true-north": "North exactly, with east to the left. Each point of the panel shows the image "
            "pixel that lies there, so that no value is new; corners without data are striped where the "
            "stamp ends.",
        },
        default="pixels",
        optional=False,
    )
    compass = Field[bool](doc="Show where north and east are, in the first panel.", default=False)
    centerMark = ChoiceField[str](
        doc="What points to the source and leaves it free.",
        allowed={"none": "Nothing.", "crosshair": "Four lines.", "ticks": "Corner brackets around it."},
        default="none",
        optional=False,
    )
    maskPlanes = ListField[str](
        doc="Mask planes to lay over the panels, by afw's names, such as SAT or CR; the masks are read "
        "for them.",
        default=[],
    )
    footprint = Field[bool](
        doc="Outline the pixels in which the source was detected, by the mask planes DETECTED and "
        "DETECTED_NEGATIVE of the difference image, whose mask is read for it. Where it has none, and the "
        "catalogue has bboxSize, the square that holds them is outlined and marked 'box'.",
        default=False,
    )

    def validate(self) -> None:
        """Check every field, and the fields together."""
        super().validate()
        try:
            self.makeStyle()
        except StyleError as error:
            raise FieldValidationError(
                type(self)._fields[_camel_case(error.field)], self, error.cause
            ) from None

    def makeStyle(self, triplets: Sequence[Triplet] | None = None) -> PictureStyle:
        """Return the part of this configuration that decides the looks.

        Parameters
        ----------
        triplets : `~collections.abc.Sequence` [`Triplet`], optional
            Stamps whose sizes count in place of ``sizes``.

        Returns
        -------
        style : `~lsst.analysis.ap.render.PictureStyle`
            What the pictures look like. Each of its fields is a field of this configuration, in camel case.
        """
        names = [field.name for field in dataclasses.fields(PictureStyle)]
        values = {name: getattr(self, _camel_case(name)) for name in names}
        for name in ("image_limits", "difference_limits"):
            values[name] = tuple(values[name]) if values[name] is not None else None
        sizes = self.sizes if triplets is None else [triplet.science.box.width for triplet in triplets]
        return PictureStyle(**values | {"sizes": tuple(sizes), "mask_planes": tuple(self.maskPlanes)})


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)
