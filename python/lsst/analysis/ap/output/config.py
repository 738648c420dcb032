"""Choices of the files that a run leaves."""

__all__ = ("OutputConfig",)

from lsst.pex.config import ChoiceField, Config, Field, FieldValidationError, ListField, RangeField

from ..domain import PANELS
from ._manifest import MANIFEST_STYLES, ManifestForm


class OutputConfig(Config):
    """Configuration of the files of a run."""

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
    writeStamps = ChoiceField[str](
        doc="Also leave the stamps themselves, with catalogue row and WCS, in the order of the manifest: "
        "float32 arrays of shape (3, N, N), template, science and difference, NaN where there are no data.",
        allowed={
            "none": "No.",
            "npy": "stamps.npy, of shape (sources, 3, N, N), and stamps_catalogue.parquet.",
            "zarr": "stamps.zarr, a group of arrays (needs the package zarr).",
            "fits": "stamps.fits, a binary table.",
            "parquet": "stamps.parquet, a row with a tensor for each source.",
        },
        default="none",
        optional=False,
    )

    def validate(self) -> None:
        """Check every field, and the fields together."""
        super().validate()
        if (self.manifestStyle == "hosted") != (self.urlRoot is not None) and self.manifestStyle is not None:
            raise FieldValidationError(
                type(self).manifestStyle, self, "the style 'hosted' and a urlRoot belong together"
            )
        if self.manifestStyle == "citsci" and self.manifestRows is not None:
            raise FieldValidationError(
                type(self).manifestRows,
                self,
                "rubin.citsci reads one manifest of a directory: set chunkSize for several directories",
            )

    def makeManifestForm(self, *, separatePanels: bool) -> ManifestForm:
        """Return what the manifest looks like.

        Parameters
        ----------
        separatePanels : `bool`
            Whether each panel is a picture of its own as well.

        Returns
        -------
        form : `~lsst.analysis.ap.output.ManifestForm`
            Its style, columns and length.
        """
        style = self.manifestStyle or ("panoptes" if self.urlRoot is None else "hosted")
        panels = PANELS if separatePanels else ()
        return ManifestForm(style, tuple(self.manifestColumns), self.urlRoot, self.manifestRows, panels)
