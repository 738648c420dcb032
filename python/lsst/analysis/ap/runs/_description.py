"""What the pictures of a table have in common."""

__all__ = ("PANEL_COLUMNS", "PNG", "Description")

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from ..domain import PANELS
from ..stamps import StampColumns

PNG: Final = "png"
"""Column of the pictures."""

PANEL_COLUMNS: Final = {panel: f"{PNG}_{panel}" for panel in PANELS}
"""Column of the pictures of each panel."""


@dataclass(frozen=True)
class Description:
    """What is the same for all pictures of a table."""

    sizes: tuple[int, ...]
    """Sides of the stamps in pixels."""
    panels: tuple[str, ...]
    """Panels that are pictures of their own as well."""
    has_stamps: bool
    """Whether the table has the stamps themselves."""
    settings: Mapping[str, str]
    """What decided how the pictures came out, as text by name."""
    facts: Mapping[str, str]
    """What else there is to know."""

    @property
    def stamps(self) -> StampColumns:
        """Columns of the stamps."""
        return StampColumns(tuple(dict.fromkeys(self.sizes)))

    @property
    def picture_columns(self) -> dict[str, str | None]:
        """Columns of the pictures, and the panel that each has; `None` for the whole."""
        return {PNG: None, **{PANEL_COLUMNS[panel]: panel for panel in self.panels}}

    @property
    def stamp_columns(self) -> tuple[str, ...]:
        """Columns of the stamps that the table has."""
        return (*self.stamps.wcs, *self.stamps.pixels) if self.has_stamps else ()

    def differences(self, other: Self) -> dict[str, tuple[str, str]]:
        """Return in which settings other pictures were made otherwise.

        Returns: the values here and there by the name of the configuration field; none when the pictures can
        be mixed. What only one of the two knows, because it is of another version, is no difference.
        """
        ours, theirs = (
            {**description.settings, "putStamps": repr(description.has_stamps)}
            for description in (self, other)
        )
        return {
            name: (ours[name], theirs[name]) for name in ours if theirs.get(name, ours[name]) != ours[name]
        }

    def with_facts_of(self, others: Iterable[Self]) -> Self:
        """Return a description of more pictures with these settings.

        Returns: it has this one's settings, and the facts of all: where these differ, one after the other.
        """
        values: dict[str, dict[str, None]] = {}
        for description in (self, *others):
            for name, value in description.facts.items():
                values.setdefault(name, {})[value] = None
        facts = {name: "; ".join(several) for name, several in values.items()}
        return dataclasses.replace(self, facts=facts)
