"""Which DiaSources of a catalogue are wanted."""

__all__ = ("WITHDRAWN_COLUMNS", "Selection", "in_order")

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ..domain import CutoutsError
from ._choice import Keys, Stratum, choose
from ._positions import POSITION
from ._synonyms import current_name
from .conditions._arrow import arrow_condition
from .conditions._expression import And, Call, Column, Comparison, Expression, IsIn, IsNull, Literal, Not
from .conditions._where import parse_condition

WITHDRAWN_COLUMNS: Final = ("timeWithdrawnMjdTai", "time_withdrawn")
"""Columns that say when the APDB has withdrawn a source."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions on DiaSources, the same for a database and for a table.

    A source whose value is null or NaN does not meet a condition on it.
    Sources that the APDB marks as withdrawn are left out. The conditions come
    first, then one source per diaObject, then the sample, then the limit.
    """

    reliability_min: float | None = None
    """Least reliability, inclusive."""
    reliability_max: float | None = None
    """Greatest reliability, inclusive."""
    limit: int | None = None
    """How many sources at most: the first ones in the order of visit, detector, diaSourceId."""
    snr_min: float | None = None
    """Least absolute value of the detection's signal-to-noise ratio, inclusive."""
    snr_max: float | None = None
    """Greatest absolute value of that ratio, inclusive."""
    time_min: float | None = None
    """Earliest middle of the exposure, MJD TAI, inclusive."""
    time_max: float | None = None
    """Latest middle of the exposure, MJD TAI, inclusive."""
    bands: tuple[str, ...] = ()
    """Bands; all when empty."""
    visits: tuple[int, ...] = ()
    """Visit IDs; all when empty."""
    detectors: tuple[int, ...] = ()
    """Detector IDs; all when empty."""
    regions: tuple[Expression, ...] = ()
    """Parts of the sky, of `circle` and `polygon`, all of which must hold the source."""
    excluded_flags: tuple[str, ...] = ()
    """Flag columns none of which may be set."""
    required_flags: tuple[str, ...] = ()
    """Flag columns all of which must be set."""
    where: str | None = None
    """A condition on columns in the syntax of Python, see `parse_condition`."""
    ids: tuple[int, ...] | None = None
    """The diaSourceIds to choose from; all when `None`."""
    object_ids: tuple[int, ...] | None = None
    """The diaObjectIds whose sources to choose from; all when `None`."""
    one_per_object: bool = False
    """Whether to keep of each diaObject only the source of the greatest absolute signal-to-noise ratio, of
    equals the one with the least diaSourceId. Sources of no diaObject are all kept."""
    latest: int | None = None
    """How many sources of each diaObject to keep, or pictures of each position, those of the latest
    exposures; all when `None`. Sources of no diaObject are all kept."""
    sample: int | None = None
    """How many sources to draw at random; all when `None`."""
    seed: int = 0
    """Which random sample: the same seed draws the same sources from every
    kind of catalogue, whatever the order of its rows."""
    strata: tuple[Stratum, ...] = ()
    """Classes of sources that share the sample evenly, as far as each has enough."""
    _parsed: Expression | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.one_per_object and self.latest is not None:
            raise CutoutsError(
                "One source of each object and its latest ones cannot both be chosen: ask for one of them.",
                choices=("one_per_object", "latest"),
            )
        for name in ("limit", "sample", "latest"):
            value = getattr(self, name)
            if value is not None and not 1 <= value < 2**63:
                message = f"The {name} is {value}; it must be at least 1 and fit into 64 bits."
                raise CutoutsError(message, choices=(name,))
        if self.strata and self.sample is None:
            raise CutoutsError(
                "There is nothing to stratify without a sample: say how many sources to draw.",
                choices=("sample",),
            )
        for name in ("reliability", "snr", "time"):
            bounds = (f"{name}_min", f"{name}_max")
            low, high = (getattr(self, bound) for bound in bounds)
            for value in (low, high):
                if value is not None and value != value:
                    raise CutoutsError(f"A bound of the {name} range is not a number.", choices=bounds)
            if low is not None and high is not None and low > high:
                raise CutoutsError(
                    f"The {name} range {low} to {high} is empty: exchange the two.", choices=bounds
                )
        for name in ("ids", "object_ids"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, tuple(sorted(set(given))))
        if self.where is not None:
            try:
                object.__setattr__(self, "_parsed", parse_condition(self.where))
            except CutoutsError as error:
                raise CutoutsError(str(error), choices=("where",)) from error

    def in_words(self, *names: str) -> str:
        """Return what is asked for, for the report of a run.

        ``*names``: fields that count; all when none is given. Returns: the conditions that there are; of a
        list of identifiers their number.
        """
        words = []
        for spec in fields(self):
            value = getattr(self, spec.name)
            is_asked = spec.repr and value is not None and value != spec.default
            if is_asked and (not names or spec.name in names):
                is_list = spec.name in ("ids", "object_ids")
                words.append(f"{spec.name}={f'{len(value)} given' if is_list else repr(value)}")
        return ", ".join(words) or "all"

    def conditions(self, columns: Collection[str]) -> Iterator[Expression]:
        """Yield the conditions on single sources, all of which must hold.

        ``columns``: columns that the catalogue has, by their current names. Yields: all but those on ``ids``
        and ``object_ids``.
        """
        reliability, time = Column("reliability"), Column("midpointMjdTai")
        snr = Call("abs", Column("snr"))
        for value, symbol, bounds in (
            (reliability, ">=", self.reliability_min),
            (reliability, "<=", self.reliability_max),
            (snr, ">=", self.snr_min),
            (snr, "<=", self.snr_max),
            (time, ">=", self.time_min),
            (time, "<=", self.time_max),
        ):
            if bounds is not None:
                yield Comparison(symbol, value, Literal(float(bounds)))
        for name, choices in (("band", self.bands), ("visit", self.visits), ("detector", self.detectors)):
            if choices:
                yield IsIn(Column(name), tuple(choices))
        yield from self.regions
        for name in self.excluded_flags:
            yield Not(Column(current_name(name)))
        for name in self.required_flags:
            yield Column(current_name(name))
        if self._parsed is not None:
            yield self._parsed
        for name in WITHDRAWN_COLUMNS:
            if name in columns:
                yield IsNull(Column(name))

    @property
    def chooses(self) -> bool:
        """Whether sources are chosen among each other, not one by one.

        Where they are, everything has to be seen before the first is known.
        """
        choices = (self.latest, self.sample, self.ids, self.object_ids)
        return self.one_per_object or any(choice is not None for choice in choices)

    @property
    def most(self) -> int | None:
        """How many sources there can be at most; `None` when nothing limits them."""
        given = (self.limit, self.sample, None if self.ids is None else len(self.ids))
        return min((number for number in given if number is not None), default=None)

    @property
    def choice_columns(self) -> frozenset[str]:
        """Columns that the choice among sources looks at where it has them."""
        columns = {"diaSourceId", "visit", "detector"} | {stratum.column for stratum in self.strata}
        columns |= {"diaObjectId", "snr"} if self.one_per_object else set()
        return frozenset(columns | ({"diaObjectId", "midpointMjdTai", POSITION} if self.latest else set()))

    def matching(self, table: pa.Table) -> pa.Table:
        """Return the rows that meet every condition on single sources.

        ``table``: rows with the current column names. Returns: those rows, in their order. Raises
        `CutoutsError` when the table lacks a column that is needed.
        """
        conditions = [*self.conditions(table.column_names)]
        for name, given in (("diaSourceId", self.ids), ("diaObjectId", self.object_ids)):
            if given is not None:
                conditions.append(IsIn(Column(name), given))
        return table.filter(arrow_condition(And(tuple(conditions)), table.schema))

    def choose(self, tables: Iterable[pa.Table]) -> Keys:
        """Return the keys of sources that are chosen among each other.

        ``tables``: all that meet the conditions on single sources, with the `choice_columns`. Returns: the
        chosen ones, no more of them than the limit. Raises `CutoutsError` when a column is not there.
        """
        choices = (self.one_per_object, self.sample, self.seed, self.strata, self.latest, self.limit)
        return choose(tables, *choices)

    def apply(self, table: pa.Table) -> pa.Table:
        """Return the wanted rows in the order of the work.

        ``table``: rows with the current column names. Returns: the rows that are selected, by visit, detector
        and diaSourceId, no more of them than the limit. Raises `CutoutsError` when the table lacks a column
        that is needed.
        """
        rows = in_order(self.matching(table))
        if self.one_per_object or self.latest is not None or self.sample is not None:
            rows = rows.take(self.choose([rows]).first_rows(rows))
        return rows if self.limit is None else rows.slice(0, self.limit)


def in_order(table: pa.Table) -> pa.Table:
    """Return rows in the order of the work.

    ``table``: rows with the current column names. Returns: the same rows by visit, detector and diaSourceId;
    at the end those that lack a visit or a detector, by diaSourceId.
    """
    visit, detector, ids = (table.column(name) for name in ("visit", "detector", "diaSourceId"))
    is_complete = pc.and_(pc.is_valid(visit), pc.is_valid(detector))
    nothing = pa.scalar(None, pa.int64())
    keys = pa.table(
        {
            "visit": pc.if_else(is_complete, visit, nothing),
            "detector": pc.if_else(is_complete, detector, nothing),
            "diaSourceId": ids,
        }
    )
    return table.take(pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names]))
