"""Many pictures at once, in a notebook."""

__all__ = ("PictureGrid", "RememberedRows", "make_grid")

import base64
import html
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ..domain import CutoutsError, SourceBatch
from ..output import Failure
from ..runs._pictures import PictureMaker
from ..runs._repository import Repository
from ..sources import row_fields, rows_of

_CAPTION: Final = (("S/N", "snr", ".1f"), ("RB", "reliability", ".3f"), ("", "band", ""))
"""Label, column and format of what a caption says besides the identifier."""

_PLACE: Final = "the_place_in_the_order"

type Batches = Callable[[pa.Table], Iterable[SourceBatch]]


@dataclass(frozen=True)
class RememberedRows:
    """The batches of sources with their places in the order, which single rows need not be made again."""

    limit: int = 256
    """How many rows to remember."""
    known: OrderedDict[Any, tuple[pa.Table, list[SourceBatch], Repository]] = field(
        default_factory=OrderedDict
    )
    """Each row with its batches."""

    def batches(
        self, repository: Repository, sources: Any, catalog: Any, required: Collection[str]
    ) -> tuple[pa.Table, Batches]:
        """Return sources as a table, and what makes batches of a part of it.

        ``sources``, ``catalog``: as for `~lsst.analysis.ap.sources.rows_of`. ``required``: columns that they
        must have. Returns: to be called with some of them.
        """

        def made(table: pa.Table) -> Iterable[SourceBatch]:
            places = pa.array(range(len(table)), pa.int64())
            return repository.batches(table.append_column(_PLACE, places), required)

        if (fields := row_fields(sources)) is None:
            return rows_of(sources, catalog), made
        key = id(repository), tuple(required), *fields.items()
        try:
            known = self.known.pop(key, None)
        except TypeError:  # a value that has no hash
            return rows_of(sources), made
        if known is None:
            table = rows_of(sources)
            known = table, list(made(table)), repository  # which keeps its identity from others
        self.known[key] = table, batches, _ = known
        if len(self.known) > self.limit:
            self.known.popitem(last=False)
        return table, lambda _: batches


@dataclass(frozen=True)
class PictureGrid:
    """Pictures of DiaSources that a notebook shows in rows."""

    rows: Sequence[Mapping[str, Any]]
    """The values of each source by column name."""
    outcomes: Sequence[bytes | str]
    """The PNG file of each source, or why it has none."""
    note: str = ""
    """What stands above them."""

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        failed = sum(isinstance(outcome, str) for outcome in self.outcomes)
        return f"{len(self)} DiaSources, {failed} of them without a picture"

    def _repr_html_(self) -> str:
        figures = "".join(map(_figure, self.rows, self.outcomes))
        note = f"<div>{html.escape(self.note)}</div>" if self.note else ""
        return f'{note}<div style="display:flex;flex-wrap:wrap;gap:8px">{figures}</div>'


def _figure(row: Mapping[str, Any], outcome: bytes | str) -> str:
    caption = html.escape(_caption(row))
    if isinstance(outcome, str):
        shown = f'<div style="padding:1em;border:1px solid #888">{html.escape(outcome)}</div>'
    else:
        data = base64.b64encode(outcome).decode()
        shown = f'<img style="max-width:100%" alt="{caption}" src="data:image/png;base64,{data}">'
    return (
        f'<figure style="margin:0">{shown}'
        f'<figcaption style="font-size:smaller">{caption}</figcaption></figure>'
    )


def _caption(row: Mapping[str, Any]) -> str:
    parts = [str(row.get("diaSourceId"))]
    for label, name, form in _CAPTION:
        if (value := row.get(name)) is not None:
            try:
                parts.append(f"{label} {value:{form}}".strip())
            except (TypeError, ValueError):  # a column of that name that holds something else
                parts.append(f"{label} {value}".strip())
    return " \N{MIDDLE DOT} ".join(parts)


def make_grid(
    maker: PictureMaker,
    batches: Batches,
    table: pa.Table,
    *,
    limit: int,
    sort_by: str | None,
) -> PictureGrid:
    """Make the pictures of some sources.

    ``batches``: groups a table by detector. ``limit``: how many to show at most. ``sort_by``: column by which
    they are ordered, with ``-`` before it from the greatest to the least; in the given order when `None`.
    Returns: the pictures, in that order. Raises `CutoutsError` when there is no such column, or no picture
    can be made at all.
    """
    count = len(table)
    if sort_by is not None:
        table = _ordered(table, sort_by)
    if count > limit:
        table = table.slice(0, limit)
    found = sorted(_outcomes(maker, batches(table)), key=lambda item: item[0])
    order = "" if sort_by is None else f", by {sort_by}"
    note = f"{len(found)} of {count} DiaSources{order}" if count > len(found) else ""
    return PictureGrid([row for _, row, _ in found], [outcome for *_, outcome in found], note)


def _ordered(table: pa.Table, sort_by: str) -> pa.Table:
    name = sort_by.removeprefix("-")
    if name not in table.column_names:
        raise CutoutsError(
            f"There is no column {name!r} to sort by; there are {', '.join(table.column_names)}."
        )
    direction = "descending" if sort_by.startswith("-") else "ascending"
    return table.take(pc.sort_indices(table, sort_keys=[(name, direction)]))


def _outcomes(
    maker: PictureMaker, batches: Iterable[SourceBatch]
) -> Iterator[tuple[int, Mapping[str, Any], bytes | str]]:
    for batch in batches:
        rows = batch.rows.to_pylist()
        order = [row.pop(_PLACE) for row in rows]
        for number, row, files in zip(order, rows, maker(batch, rows).outcomes, strict=True):
            yield number, row, files.reason if isinstance(files, Failure) else files.picture
