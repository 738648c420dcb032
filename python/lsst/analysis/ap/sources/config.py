"""Which DiaSources are wanted, as configuration."""

__all__ = ("SelectionConfig",)

from typing import Any

from lsst.pex.config import Config, Field, FieldValidationError, ListField, RangeField

from ..criteria import CRITERIA, Criterion, Takes
from ..domain import CutoutsError
from . import Selection, make_selection


def _config_field(criterion: Criterion) -> Any:
    """Return a criterion as a configuration field."""
    doc = f"{criterion.doc[0].upper()}{criterion.doc[1:]}."
    match criterion.takes:
        case Takes.NUMBER:
            return Field(doc, dtype=float, optional=True, default=None)
        case Takes.COUNT:
            return RangeField(doc, dtype=int, optional=True, default=None, min=1)
        case Takes.INTEGER:
            return Field(doc, dtype=int, default=0)
        case Takes.WORDS:
            return ListField(doc, dtype=str, default=[])
        case Takes.CIRCLE:
            return ListField(doc, dtype=float, optional=True, default=None, length=3)
        case Takes.POLYGON:
            return ListField(
                doc, dtype=float, optional=True, default=None, listCheck=lambda corners: len(corners) % 2 == 0
            )
        case _:
            return Field(doc, dtype=str, optional=True, default=None)


class SelectionConfig(Config):
    """Configuration of which DiaSources of a table are wanted.

    Visits, detectors and bands are the business of the data query that makes the quantum graph. A file that a
    field names must be one that every worker can read.
    """

    for _criterion in CRITERIA:
        if _criterion.in_pipeline:
            locals()[_criterion.field] = _config_field(_criterion)
    del _criterion

    def validate(self) -> None:
        """Check every field, and the fields together."""
        super().validate()
        try:
            self._make(Takes.IDENTIFIERS)
        except CutoutsError as error:
            wrong = next((c for c in CRITERIA if c.name in error.choices), CRITERIA[0])
            raise FieldValidationError(type(self)._fields[wrong.field], self, str(error)) from error

    def makeSelection(self) -> Selection:
        """Return which sources are wanted.

        Raises `UnreadableError` when a file of identifiers cannot be read; `CutoutsError` when it holds
        something else.
        """
        return self._make()

    def _make(self, *without: Takes) -> Selection:
        criteria = (c for c in CRITERIA if c.in_pipeline and c.takes not in without)
        return make_selection({c.name: getattr(self, c.field) for c in criteria})
