"""Pictures with their rows, and how the values of their pixels became colours: what a page shows."""

__all__ = ("ColorScale", "Items", "PictureSet", "color_scales", "read_items")

import ast
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..domain import PANELS, CutoutsError
from ..output import read_record
from ._png_texts import PictureFacts, read_picture_facts


@dataclass(frozen=True, slots=True)
class ColorScale:
    """The colours of a panel."""

    a: float
    """Where an asinh stretch turns from linear to logarithmic."""
    map: tuple[tuple[int, ...], ...]
    """Red, green and blue of each level of the colour map, each rising."""


def color_scales(settings: Mapping[str, str]) -> dict[str, ColorScale]:
    """Return the colours of each panel.

    ``settings``: how the pictures were made, from their journal. Returns: by panel. A colour map of which
    red, green or blue falls anywhere is left out: a browser's filters see each alone, and could not tell
    which level it stands for.
    """
    from matplotlib import colormaps

    image = _value(settings, "colorMap")
    difference = _value(settings, "differenceColorMap")
    if difference is None and not _value(settings, "differenceSymmetric"):
        difference = image
    a = _value(settings, "asinhA")
    found = {}
    for panel in PANELS:
        name = difference if panel == "difference" else image
        if not isinstance(name, str) or name not in colormaps or not isinstance(a, float):
            continue
        colors = (colormaps[name](np.arange(256) / 255.0)[:, :3] * 255).round().astype(int)
        if (np.diff(colors, axis=0) >= 0).all():
            found[panel] = ColorScale(a, tuple(tuple(channel) for channel in colors.T.tolist()))
    return found


def _value(settings: Mapping[str, str], name: str) -> object:
    """Return a setting; `None` where an older run did not know it."""
    try:
        return ast.literal_eval(settings.get(name, "None"))
    except (ValueError, SyntaxError):
        return None


@dataclass(frozen=True, slots=True, eq=False)
class PictureSet:
    """One picture for each row, as far as there is one."""

    name: str
    """What to call it, such as the directory."""
    paths: Sequence[Path | None]
    """The file of each row; `None` where there is none."""
    facts: Sequence[PictureFacts | None]
    """What each says of itself."""
    colors: Mapping[str, ColorScale] = field(default_factory=dict)
    """How values became colours in each panel, where that can be turned round."""

    def __post_init__(self) -> None:
        if len(self.paths) != len(self.facts):
            raise ValueError(f"{len(self.paths)} pictures, but facts of {len(self.facts)}")


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Rows of a catalogue, and the pictures that belong to them."""

    title: str
    """What the page is called."""
    table: pa.Table
    """One row for each item; ``diaSourceId`` is always there."""
    pictures: tuple[PictureSet, ...]
    """One set, or two of which each item has one or both."""
    order: str = "by visit and detector"
    """Which order the rows have, in words."""
    summary: Sequence[Sequence[str]] = ()
    """A table of numbers that belongs to them, its header first."""

    def __post_init__(self) -> None:
        for pictures in self.pictures:
            if len(pictures.paths) != len(self.table):
                raise ValueError(f"{len(pictures.paths)} pictures for {len(self.table)} rows")


def read_items(directory: str | Path) -> Items:
    """Read the pictures of a directory, and what is known of each.

    Parameters
    ----------
    directory : `str` or `pathlib.Path`
        A local directory that a run filled.

    Returns
    -------
    items : `Items`
        Every picture, ordered by visit, detector and ``diaSourceId``, with all columns of the catalogue that
        the run had, and the limits of its panels, ``template_min``, ``template_max`` and so on.

    Raises
    ------
    CutoutsError
        Raised when the directory has no pictures, or they cannot be read.
    """
    root = Path(os.path.expanduser(directory))
    if "://" in str(directory):
        raise CutoutsError(
            f"{directory} is not on this machine: copy the pictures to a local directory first."
        )
    record = read_record(root)
    paths = [root / path for path in record.paths]
    facts = [read_picture_facts(path) for path in paths]
    table = record.rows
    for panel in PANELS:
        limits = [each.limits.get(panel) for each in facts]
        if any(limits):
            for end, name in enumerate(("min", "max")):
                column = pa.array([None if pair is None else pair[end] for pair in limits], pa.float64())
                table = _with_column(table, f"{panel}_{name}", column)
    name = root.resolve().name
    return Items(name, table, (PictureSet(name, paths, facts, color_scales(record.settings)),))


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    if name in table.column_names:  # the catalogue's own comes first
        return table
    return table.append_column(name, values)
