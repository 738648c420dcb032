"""Choices of the files that a run leaves."""

__all__ = ("OutputConfig",)

from collections.abc import Sequence

from lsst.pex.config import ChoiceField, Config, Field, FieldValidationError, ListField, RangeField

from ..domain import PANELS
from ..messages import one_of
from ._directory import PictureNames
from ._manifest import ANONYMOUS, MANIFEST_STYLES, ManifestColumn, ManifestForm, choose_columns
from ._pictures import COMPOSITE, encoded_root


class OutputConfig(Config):
    """Configuration of the files of a run."""

    urlRoot = Field[str](
        doc="URL under which the pictures will be hosted, such as 'https://host/path'; blanks and letters "
        "outside ASCII are encoded. With it the manifest names URLs; without it, local files.",
        optional=True,
        default=None,
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
    manifestOrder = Field[str](
        doc="Order of the manifest: 'detector' for visit, detector and diaSourceId; 'random', or 'random:N' "
        "with another seed, so that neighbours have nothing in common.",
        default="detector",
    )
    chunkSize = RangeField(
        doc="Put pictures into folders, each for this many successive identifiers. When not set: all in one "
        "directory, which uploads want.",
        dtype=int,
        optional=True,
        default=None,
        min=1,
    )
    chunkFiles = RangeField(
        doc="Put pictures into folders of at most this many files, the manifest among them, in the order in "
        "which sources come. When not set: all in one directory.",
        dtype=int,
        optional=True,
        default=None,
        min=2,
    )
    manifestColumns = ListField[str](
        doc="Catalogue columns that the manifest carries, each with Zooniverse's prefix: '#' is not shown on "
        "the page, '!' only in Talk, '%' is indexed; no prefix shows it to everybody. "
        "'+#NAME' adds to the default; '#NAME=COLUMN' or '#NAME=CONDITION' gives what the catalogue has "
        "not under that name. 'anonymous' leaves out the default, and the identifier: pictures get names "
        "that tell nothing, and keys.csv joins them.",
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
    subjectFrames = ListField[str](
        doc="Which pictures a subject consists of: 'composite', or some of 'template', 'science' and "
        "'difference', which volunteers flip through in this order.",
        default=[COMPOSITE],
        minLength=1,
        itemCheck=one_of("subjectFrames", (COMPOSITE, *PANELS)),
    )

    def validate(self) -> None:
        """Check every field, and the fields together."""
        super().validate()
        for name, check in (
            ("urlRoot", lambda value: value and encoded_root(value)),
            ("manifestOrder", lambda _: self.orderSeed()),
            ("manifestColumns", lambda _: self.chosenColumns()),
        ):
            try:
                check(getattr(self, name))
            except ValueError as error:
                self._refuse(name, str(error))
        if self.manifestStyle == "hosted" and self.urlRoot is None:
            self._refuse("manifestStyle", "the style 'hosted' needs urlRoot")
        if self.chunkSize is not None and self.chunkFiles is not None:
            self._refuse("chunkFiles", "chunkSize fills folders in another way: set one of the two")
        if self.chunkSize is not None and self.isAnonymous():
            self._refuse("chunkSize", "its folders tell the identifiers: set chunkFiles instead")
        if self.chunkFiles is not None and self._sourcesOfAFolder(self.needsPanels()) < 1:
            self._refuse("chunkFiles", "it has no room for the files of one source")
        if len(set(self.subjectFrames)) < len(self.subjectFrames):
            self._refuse("subjectFrames", "one of them is there twice")
        if COMPOSITE in self.subjectFrames and len(self.subjectFrames) > 1:
            self._refuse("subjectFrames", "the frames of a subject have one size: 'composite' stands alone")
        if self.manifestStyle == "citsci":
            self._validateCitsci()

    def _validateCitsci(self) -> None:
        if self.urlRoot is not None:
            self._refuse("urlRoot", "rubin.citsci sends the local files and hosts them itself")
        if self.manifestRows is not None:
            self._refuse(
                "manifestRows",
                "rubin.citsci reads one manifest of a directory: set chunkFiles for several directories",
            )
        if len(self.subjectFrames) > 1:
            self._refuse("subjectFrames", "rubin.citsci makes subjects of one picture")

    def _refuse(self, field: str, cause: str) -> None:
        raise FieldValidationError(type(self)._fields[field], self, cause)

    def _sourcesOfAFolder(self, separatePanels: bool) -> int:
        """Return how many sources fit into a folder of so many files, of which one is the manifest."""
        return int(self.chunkFiles - 1) // (1 + len(PANELS) * separatePanels)

    def needsPanels(self) -> bool:
        """Return whether panels must be files of their own.

        Returns
        -------
        needs : `bool`
            Whether subjects consist of them.
        """
        return tuple(self.subjectFrames) != (COMPOSITE,)

    def isAnonymous(self) -> bool:
        """Return whether nothing that is published tells which source a subject shows.

        Returns
        -------
        anonymous : `bool`
            Whether ``manifestColumns`` says so.
        """
        return ANONYMOUS in (item.strip() for item in self.manifestColumns)

    def orderSeed(self) -> int | None:
        """Return the seed of a random order of the manifest.

        Returns
        -------
        seed : `int` or `None`
            `None` for the order of visit, detector and diaSourceId.

        Raises
        ------
        ValueError
            Raised when ``manifestOrder`` is no order.
        """
        if self.manifestOrder == "detector":
            return None
        word, colon, seed = self.manifestOrder.partition(":")
        if word != "random" or (colon and not seed.isdecimal()):
            raise ValueError(f"'detector', 'random' or 'random:N', not {self.manifestOrder!r}")
        return int(seed or 0)

    def chosenColumns(self) -> tuple[ManifestColumn, ...]:
        """Return the metadata columns of the manifest.

        Returns
        -------
        columns : `tuple` [`~lsst.analysis.ap.output.ManifestColumn`, ...]
            What ``manifestColumns`` stands for.
        """
        return choose_columns(self.manifestColumns, OutputConfig._fields["manifestColumns"].default)

    def makePictureNames(self, secret: bytes | None, *, separatePanels: bool) -> PictureNames:
        """Return how pictures are named.

        Parameters
        ----------
        secret : `bytes` or `None`
            What makes keys in place of identifiers.
        separatePanels : `bool`
            Whether each panel is a picture of its own as well.

        Returns
        -------
        names : `~lsst.analysis.ap.output.PictureNames`
            Their names and folders.
        """
        sources = None if self.chunkFiles is None else max(1, self._sourcesOfAFolder(separatePanels))
        return PictureNames(self.chunkSize, sources, secret)

    def makeManifestForm(self, columns: Sequence[ManifestColumn], *, pictures: bool = True) -> ManifestForm:
        """Return what the manifest looks like.

        Parameters
        ----------
        columns : sequence of `~lsst.analysis.ap.output.ManifestColumn`
            Its metadata columns.
        pictures : `bool`, optional
            Whether there are any.

        Returns
        -------
        form : `~lsst.analysis.ap.output.ManifestForm`
            Its style, columns and length.
        """
        return ManifestForm(
            self.manifestStyle or ("panoptes" if self.urlRoot is None else "hosted"),
            tuple(column.name for column in columns),
            None if self.urlRoot is None else encoded_root(self.urlRoot),
            self.manifestRows,
            tuple(self.subjectFrames) if pictures else (),
            self.isAnonymous(),
        )
