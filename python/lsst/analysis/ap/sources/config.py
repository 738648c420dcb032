"""Which DiaSources are wanted, as configuration."""

__all__ = ("SelectionConfig",)

from typing import Any

from lsst.pex.config import Config, Field, FieldValidationError, ListField, RangeField

from ..domain import CutoutsError
from . import Selection, circle, polygon, read_identifiers


class SelectionConfig(Config):
    """Configuration of which DiaSources of a table are wanted.

    Visits, detectors and bands are the business of the data query that makes
    the quantum graph.
    """

    reliabilityMin = Field[float](doc="At least this reliable.", optional=True, default=None)
    reliabilityMax = Field[float](doc="At most this reliable.", optional=True, default=None)
    snrMin = Field[float](
        doc="Least signal-to-noise ratio of the detection, of either sign.", optional=True, default=None
    )
    snrMax = Field[float](
        doc="Greatest signal-to-noise ratio of the detection, of either sign.", optional=True, default=None
    )
    excludeFlags = ListField[str](doc="Flags that must not be set.", default=[])
    requireFlags = ListField[str](doc="Flags that must be set.", default=[])
    where = Field[str](
        doc="A condition on columns in the syntax of Python, such as \"snr > 5 and band in ('r', 'i')\".",
        optional=True,
        default=None,
    )
    circle = ListField[float](
        doc="Part of the sky: right ascension, declination and radius in degrees.",
        optional=True,
        default=None,
        length=3,
    )
    polygon = ListField[float](
        doc="Convex part of the sky: right ascension and declination of each corner in degrees.",
        optional=True,
        default=None,
        listCheck=lambda corners: len(corners) % 2 == 0,
    )
    ids = Field[str](
        doc="diaSourceIds: a file that every worker can read, or numbers with commas.",
        optional=True,
        default=None,
    )
    objectIds = Field[str](
        doc="All sources of these diaObjectIds: a file that every worker can read, or numbers with commas.",
        optional=True,
        default=None,
    )
    sample = RangeField(
        doc="Draw at most this many of each detector at random.",
        dtype=int,
        optional=True,
        default=None,
        min=1,
    )
    seed = Field[int](doc="Which random sample.", default=0)

    def validate(self) -> None:
        """Check every field, and the fields together."""
        super().validate()
        try:
            self._make({})
        except CutoutsError as error:
            raise FieldValidationError(type(self).where, self, str(error)) from None

    def makeSelection(self) -> Selection:
        """Return which sources are wanted.

        Returns
        -------
        selection : `~lsst.analysis.ap.sources.Selection`
            The conditions.

        Raises
        ------
        UnreadableError
            Raised when a file of identifiers cannot be read.
        CutoutsError
            Raised when it holds something else.
        """
        files = {}
        if self.ids is not None:
            files["ids"] = read_identifiers(self.ids)
        if self.objectIds is not None:
            files["object_ids"] = read_identifiers(self.objectIds, "diaObjectId")
        return self._make(files)

    def _make(self, files: dict[str, Any]) -> Selection:
        regions = []
        if self.circle is not None:
            regions.append(circle(*self.circle))
        if (corners := self.polygon) is not None:
            regions.append(polygon(list(zip(corners[::2], corners[1::2], strict=True))))
        return Selection(
            reliability_min=self.reliabilityMin,
            reliability_max=self.reliabilityMax,
            snr_min=self.snrMin,
            snr_max=self.snrMax,
            excluded_flags=tuple(self.excludeFlags),
            required_flags=tuple(self.requireFlags),
            where=self.where,
            regions=tuple(regions),
            sample=self.sample,
            seed=self.seed,
            **files,
        )
