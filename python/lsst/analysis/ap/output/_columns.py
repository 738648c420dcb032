"""Columns of a manifest: how they are named, and what they are made of."""

__all__ = ("ANONYMOUS", "MARKS", "ManifestColumn", "choose_columns", "manifest_name")

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ANONYMOUS: Final = "anonymous"
"""Stands among columns for none that tells which source a subject shows."""

MARKS: Final = ("#", "//", "!", "%")
"""Zooniverse's prefixes: not shown on the page (two of them), shown in Talk only, indexed."""

_PREFIX: Final = "".join(MARKS)
_NAME: Final = re.compile(r"(#|//|!|%)?[A-Za-z_][\w .-]*")
_IDENTITY: Final = "diaSourceId"


def manifest_name(column: str) -> str:
    """Return the catalogue column behind a column of the manifest.

    ``column``: a name with one of Zooniverse's prefixes, or without.
    """
    return column.lstrip(_PREFIX)


@dataclass(frozen=True, slots=True)
class ManifestColumn:
    """A metadata column of a manifest."""

    name: str
    """Its name in the manifest, with Zooniverse's prefix."""
    source: str
    """The catalogue column that it shows, or a condition on columns whose truth it shows."""
    is_asked: bool = True
    """Whether somebody asked for it, rather than that it is a default."""

    @property
    def is_computed(self) -> bool:
        """Whether the catalogue has it under no such name."""
        return self.source != manifest_name(self.name)


def choose_columns(items: Sequence[str], default: Sequence[str]) -> tuple[ManifestColumn, ...]:
    """Return the metadata columns of a manifest.

    ``items``: what is asked for: names with Zooniverse's prefixes; ``NAME=COLUMN`` or ``NAME=CONDITION`` for
    what the catalogue has not under that name; with ``+`` in front what comes behind the others, or behind
    the defaults when there are no others; `ANONYMOUS` for no defaults. ``default``: the default. Returns: the
    columns, each name once. Raises `ValueError` for something that is no name of a column.
    """
    names = [item.strip() for item in items]
    base = [name for name in names if name != ANONYMOUS and not name.startswith("+")]
    if ANONYMOUS in names or base or not names:
        columns = [_parse(name, is_asked=name not in default) for name in base]
    else:
        columns = [_parse(name, is_asked=False) for name in default]
    columns += [_parse(name.removeprefix("+"), is_asked=True) for name in names if name.startswith("+")]
    if ANONYMOUS in names and any(
        _IDENTITY in (column.source, manifest_name(column.name)) for column in columns
    ):
        raise ValueError(f"{_IDENTITY} does not go with {ANONYMOUS}, which is there to hide it")
    return tuple({column.name: column for column in columns}.values())


def _parse(text: str, *, is_asked: bool) -> ManifestColumn:
    name, equals, source = (part.strip() for part in text.partition("="))
    if not _NAME.fullmatch(name) or (equals and not source):
        raise ValueError(f"{text!r} is no column: write NAME, NAME=COLUMN or NAME=CONDITION")
    return ManifestColumn(name, source if equals else manifest_name(name), is_asked)
