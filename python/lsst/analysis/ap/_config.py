"""Every choice that a run of ZooniverseCutoutsTask leaves to its user."""

__all__ = ("ZooniverseCutoutsConfig",)

import dataclasses

from lsst.pex.config import ChoiceField, Config, Field, FieldValidationError, ListField, RangeField

from .output import MANIFEST_STYLES, ManifestForm
from .render import PictureStyle

_STRETCHES = {
    "asinh": "Inverse hyperbolic sine: faint and bright features together.",
    "linear": "Proportional to the pixel value.",
    "log": "Logarithmic: the widest range of brightness.",
    "sqrt": "Square root: between linear and log.",
}
_INTERVALS = {
    "minmax": "From the least to the greatest pixel value of the stamp.",
    "percentile": "The central 98 percent of the pixel values of the stamp.",
    "zscale": "IRAF's zscale: the contrast of the sky, bright pixels saturated.",
}


class ZooniverseCutoutsConfig(Config):
    """Configuration of ZooniverseCutoutsTask."""

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
    urlRoot = Field[str](
        doc="URL under which the pictures will be hosted, such as 'https://host/path'. With it the manifest "
        "is one for Zooniverse's import of hosted images; without it, for an upload of the local files.",
        optional=True,
        default=None,
        check=lambda url: url.startswith(("https://", "http://")),
    )
    manifestStyle = ChoiceField[str](
        doc="Which of Zooniverse's readers the manifest is for. When not set: hosted if urlRoot is set, "
        "otherwise panoptes.",
        allowed=MANIFEST_STYLES,
        optional=True,
        default=None,
    )
    manifestRows = RangeField(
        doc="Split the manifest into files of at most this many rows. When not set: one file.",
        dtype=int,
        optional=True,
        default=None,
        min=1,
    )
    chunkSize = RangeField(
        doc="Put pictures into folders, each for this many successive identifiers. When not set: all in one "
        "directory, which uploads want.",
        dtype=int,
        optional=True,
        default=None,
        min=1,
    )
    manifestColumns = ListField[str](
        doc="Catalogue columns that the manifest carries, each with Zooniverse's prefix: '#' is never shown "
        "to volunteers, '!' only in Talk, '%' is indexed; no prefix shows it to everybody.",
        default=[
            "#instrument",
            "#visit",
            "#detector",
            "#band",
            "#diaObjectId",
            "#ra",
            "#dec",
            "#midpointMjdTai",
            "#snr",
            "#psfFlux",
            "#psfFluxErr",
            "#apFlux",
            "#apFluxErr",
            "#scienceFlux",
            "#scienceFluxErr",
            "#isDipole",
            "#reliability",
        ],
    )
    instrument = Field[str](
        doc="Instrument of the sources that do not say theirs. When not set: the only one of the repository.",
        optional=True,
        default=None,
    )
    scienceImageType = Field[str](
        doc="Dataset type of the science images. When not set: found in the repository.",
        optional=True,
        default=None,
    )
    templateImageType = Field[str](
        doc="Dataset type of the templates, in the science pixels. When not set: found in the repository.",
        optional=True,
        default=None,
    )
    differenceImageType = Field[str](
        doc="Dataset type of the difference images. When not set: found in the repository.",
        optional=True,
        default=None,
    )
    imageStretch = ChoiceField[str](
        doc="How brightness follows pixel values in the template and science panels.",
        allowed=_STRETCHES,
        default="asinh",
    )
    imageInterval = ChoiceField[str](
        doc="Which pixel values span the colours of the template and science panels.",
        allowed=_INTERVALS,
        default="minmax",
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
    )
    differenceInterval = ChoiceField[str](
        doc="Which pixel values span the colours of the difference panel.",
        allowed=_INTERVALS,
        default="zscale",
    )
    colorMap = Field[str](doc="matplotlib's name of the colour map.", default="bone")
    differenceColorMap = Field[str](
        doc="Colour map of the difference panel, by matplotlib's name. When not set: the same as colorMap.",
        optional=True,
        default=None,
    )
    panelPixels = RangeField(
        doc="Wanted side of a panel in screen pixels. Each stamp is enlarged by the whole number that comes "
        "nearest, so that its pixels stay square and equal.",
        dtype=int,
        default=210,
        min=30,
        max=1000,
        inclusiveMax=True,
    )

    background = ChoiceField[str](
        doc="Colour of the paper.",
        allowed={"light": "White, with dark words.", "dark": "Near black, with light words."},
        default="light",
    )

    def validate(self) -> None:
        """Check every field, and the fields together."""
        super().validate()
        if (self.manifestStyle == "hosted") != (self.urlRoot is not None) and self.manifestStyle is not None:
            raise FieldValidationError(
                type(self).manifestStyle, self, "the style 'hosted' and a urlRoot belong together"
            )
        try:
            self.makeStyle()
        except ValueError as error:
            name, _, cause = str(error).partition(": ")
            raise FieldValidationError(type(self)._fields[_camel_case(name)], self, cause) from None

    def makeManifestForm(self) -> ManifestForm:
        """Return what the manifest looks like.

        Returns
        -------
        form : `~lsst.analysis.ap.output.ManifestForm`
            Its style, columns and length.
        """
        style = self.manifestStyle or ("panoptes" if self.urlRoot is None else "hosted")
        return ManifestForm(style, tuple(self.manifestColumns), self.urlRoot, self.manifestRows)

    def makeStyle(self) -> PictureStyle:
        """Return the part of this configuration that decides the looks.

        Returns
        -------
        style : `~lsst.analysis.ap.render.PictureStyle`
            What the pictures look like. Each of its fields is a field of this
            configuration, in camel case.
        """
        names = [field.name for field in dataclasses.fields(PictureStyle)]
        values = {name: getattr(self, _camel_case(name)) for name in names}
        return PictureStyle(**values | {"sizes": tuple(self.sizes)})


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)
