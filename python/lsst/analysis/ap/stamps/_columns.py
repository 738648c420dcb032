"""The columns of a table of stamps: the catalogue's, the WCS, the pixels."""

__all__ = ("CONSTANTS", "StampColumns", "conform", "plain", "sizes_of", "stamp_table", "unify")

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from ..domain import Triplet

CONSTANTS: Final[Mapping[str, str]] = {
    "PLANES": "template, science, difference",
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CUNIT1": "deg",
    "CUNIT2": "deg",
    "RADESYS": "ICRS",
}
"""What holds for all stamps: the order of the three planes, and the FITS
keywords that complete the WCS of each row."""

_SIZES: Final = "sizes"

_FIRST: Final = ("diaSourceId", "instrument", "visit", "detector", "ra", "dec")


@dataclass(frozen=True)
class StampColumns:
    """Names of the columns that stand beside those of the catalogue.

    The WCS of each row has the names of its FITS keywords, so that a row and
    `CONSTANTS` together are a header for `astropy.wcs.WCS`. With one size the
    names are plain; with several, those that depend on the size end in it:
    ``stamps_30``, ``CRPIX1_30``.
    """

    sizes: tuple[int, ...]
    """Sides of the stamps in pixels, without repetition."""

    def _named(self, name: str, size: int) -> str:
        return name if len(self.sizes) == 1 else f"{name}_{size}"

    def stamps(self, size: int) -> str:
        """Return the name of the pixels of one size.

        Parameters
        ----------
        size : `int`
            Side of the stamps in pixels.

        Returns
        -------
        name : `str`
            Name of a column, of an array or of a file without its ending.
        """
        return self._named("stamps", size)

    @property
    def wcs(self) -> tuple[str, ...]:
        """Names of the WCS columns, in order."""
        return tuple(self.wcs_types)

    @property
    def wcs_types(self) -> dict[str, pa.DataType]:
        """Type of each WCS column."""
        types = dict.fromkeys(("CRVAL1", "CRVAL2", "CD1_1", "CD1_2", "CD2_1", "CD2_2"), pa.float64())
        for size in self.sizes:
            types |= {self._named(name, size): pa.float64() for name in ("CRPIX1", "CRPIX2")}
            types |= {self._named(name, size): pa.int32() for name in ("x0", "y0")}
        return types

    @property
    def pixels(self) -> tuple[str, ...]:
        """Names of the pixel columns, in the order of the sizes."""
        return tuple(self.stamps(size) for size in self.sizes)

    def table(self, rows: pa.Table, triplets: Sequence[Sequence[Triplet]]) -> pa.Table:
        """Put the catalogue rows, the WCS and the pixels of sources together.

        Parameters
        ----------
        rows : `pyarrow.Table`
            Catalogue rows. Columns that bear the name of one of ours give
            way.
        triplets : sequence
            For each row the stamps, one triplet per size.

        Returns
        -------
        table : `pyarrow.Table`
            CRVAL is the position of the catalogue in degrees; CRPIX is where
            the science image has it, counted from 1 at the centre of the
            first pixel of the stamp (null when the triplet does not say);
            CD is in degrees per pixel; ``x0``, ``y0`` are the PARENT pixel
            of the first column and row. Each pixel column is a list of 3 n n
            float32 values.
        """
        sky = np.array([of_source[0].sky_jacobian for of_source in triplets]) / 3600.0
        ours: dict[str, pa.Array | pa.ChunkedArray] = {
            "CRVAL1": rows.column("ra").cast(pa.float64()),
            "CRVAL2": rows.column("dec").cast(pa.float64()),
        }
        for i, j in np.ndindex(2, 2):
            ours[f"CD{i + 1}_{j + 1}"] = pa.array(np.ascontiguousarray(sky[:, i, j]))
        for order, size in enumerate(self.sizes):
            of_size = [of_source[order] for of_source in triplets]
            for axis, letter in enumerate("xy"):
                starts = [(t.science.box.x_start, t.science.box.y_start)[axis] for t in of_size]
                at = [None if t.position is None else t.position[axis] for t in of_size]
                reference = [
                    None if p is None else p - start + 1.0 for p, start in zip(at, starts, strict=True)
                ]
                ours[self._named(f"CRPIX{axis + 1}", size)] = pa.array(reference, pa.float64())
                ours[self._named(f"{letter}0", size)] = pa.array(starts, pa.int32())
        for order, size in enumerate(self.sizes):
            stack = np.array(
                [
                    [np.full((size, size), np.nan) if s is None else s.array for s in of_source[order].stamps]
                    for of_source in triplets
                ],
                np.float32,
            )
            ours[self.stamps(size)] = pa.FixedSizeListArray.from_arrays(
                pa.array(stack.reshape(-1)), 3 * size * size
            )
        table = plain(rows.drop_columns([name for name in rows.column_names if name in ours]))
        for name in (*self.wcs, *self.pixels):
            table = table.append_column(name, ours[name])
        return self.mark(table)

    def mark(self, table: pa.Table) -> pa.Table:
        """Note the sizes in the schema of a table, for `sizes_of`.

        Parameters
        ----------
        table : `pyarrow.Table`
            A table with these columns.

        Returns
        -------
        table : `pyarrow.Table`
            The same.
        """
        return table.replace_schema_metadata({_SIZES: ",".join(map(str, self.sizes))})


def stamp_table(sizes: Sequence[int], rows: pa.Table, triplets: Sequence[Sequence[Triplet]]) -> pa.Table:
    """Put the catalogue rows, the WCS and the pixels of sources together.

    Parameters
    ----------
    sizes : sequence of `int`
        Sides of the stamps in pixels, in the order of the triplets.
    rows : `pyarrow.Table`
        Catalogue rows.
    triplets : sequence
        For each row the stamps, one triplet per size.

    Returns
    -------
    table : `pyarrow.Table`
        As `StampColumns.table` has it, a size that is repeated once; its
        schema tells the sizes.
    """
    columns = StampColumns(tuple(dict.fromkeys(sizes)))
    order = [list(sizes).index(size) for size in columns.sizes]
    return columns.table(rows, [[of_source[i] for i in order] for of_source in triplets])


def sizes_of(schema: pa.Schema) -> tuple[int, ...]:
    """Return the sizes of the stamps in a table.

    Parameters
    ----------
    schema : `pyarrow.Schema`
        Schema of a `stamp_table`.

    Returns
    -------
    sizes : `tuple` [`int`, ...]
        Sides of the stamps in pixels.

    Raises
    ------
    KeyError
        Raised when the schema is of another table.
    """
    return tuple(map(int, schema.metadata[_SIZES.encode()].decode().split(",")))


def plain(table: pa.Table) -> pa.Table:
    """Return a table without what only its maker understands.

    Parameters
    ----------
    table : `pyarrow.Table`
        Rows of a catalogue.

    Returns
    -------
    table : `pyarrow.Table`
        The same values, without dictionaries and metadata, with 32-bit
        offsets: what differs between two ways to read one catalogue.
    """
    return table.cast(pa.schema([pa.field(field.name, _plain_type(field.type)) for field in table.schema]))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the simplest type of the same values, down to the names of list items."""
    types = pa.types
    if types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_large_binary(kind) or types.is_binary_view(kind):
        return pa.binary()
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.list_(_plain_type(kind.value_type))
    if types.is_fixed_size_list(kind):
        return pa.list_(_plain_type(kind.value_type), kind.list_size)
    if types.is_struct(kind):
        return pa.struct([pa.field(child.name, _plain_type(child.type)) for child in kind])
    return kind


def unify(schemas: Iterable[pa.Schema], ours: Sequence[str]) -> pa.Schema:
    """Return the schema that holds the rows of all tables.

    Parameters
    ----------
    schemas : iterable of `pyarrow.Schema`
        Schemas of tables whose catalogues may differ.
    ours : sequence of `str`
        Columns that are not the catalogue's; they come last.

    Returns
    -------
    schema : `pyarrow.Schema`
        The same for any order of the tables: what identifies a source, the
        other catalogue columns by name, then ours. A column has the narrowest
        type that holds the types of all tables, text when there is none.
    """
    kinds: dict[str, set[pa.DataType]] = {}
    for schema in schemas:
        for field in schema:
            kinds.setdefault(field.name, set()).add(field.type)
    first = [name for name in _FIRST if name in kinds]
    last = [name for name in ours if name in kinds]
    others = sorted(kinds.keys() - {*first, *last})
    return pa.schema([pa.field(name, _common(kinds[name])) for name in (*first, *others, *last)])


def _common(kinds: set[pa.DataType]) -> pa.DataType:
    schemas = [pa.schema([pa.field("_", kind)]) for kind in sorted(map(_plain_type, kinds), key=str)]
    try:
        kind = pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.string()
    return pa.string() if pa.types.is_null(kind) else kind


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the columns of a table that a schema wants.

    Parameters
    ----------
    table : `pyarrow.Table`
        Any of the tables that `unify` saw.
    schema : `pyarrow.Schema`
        What is wanted.

    Returns
    -------
    table : `pyarrow.Table`
        Columns that were not there are null.
    """
    present = set(table.column_names)
    columns = [
        table.column(field.name).cast(field.type, safe=False)
        if field.name in present
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
