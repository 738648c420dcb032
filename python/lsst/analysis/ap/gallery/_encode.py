"""Columns of a table in the form in which the page reads them."""

__all__ = ("EncodedColumn", "encode_column", "script_call")

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..output import texts_of

_EXACT: Final = 2**53
"""Up to here every whole number is a double; JavaScript's numbers are doubles."""


@dataclass(frozen=True, slots=True)
class EncodedColumn:
    """A column as text for a script."""

    kind: str
    """What can be done with its values: truth, integer, real, text or other,
    the kinds of `lsst.analysis.ap.sources`."""
    storage: str
    """How the values are stored: the name of a typed array of JavaScript, ``bits`` or ``codes``."""
    values: str
    """The values, little-endian, in base64: one bit a row for ``bits``; for
    ``codes`` the place in `texts`, -1 for null."""
    valid: str
    """One bit a row that says whether there is a value, in base64; empty
    where all rows have one, or where NaN and -1 say it."""
    texts: tuple[str, ...] = ()
    """Every text that occurs, for ``codes``."""


def encode_column(column: pa.ChunkedArray) -> EncodedColumn:
    """Encode a column.

    Returns: the same values, exactly: NaN of a number is null, as in the conditions of ``--where``; lists,
    times and structures become text.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_boolean(kind):
        valid = _validity(column)
        return EncodedColumn("truth", "bits", _bits(_numpy(pc.fill_null(column, False))), valid)
    if pa.types.is_integer(kind):
        return _integers(column)
    if pa.types.is_null(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        width = pa.float32() if kind in (pa.float16(), pa.float32()) else pa.float64()
        values = _numpy(pc.fill_null(column.cast(width), float("nan")))
        return EncodedColumn("real", f"Float{values.itemsize * 8}Array", _base64(values), "")
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return _texts("text" if is_text else "other", texts_of(column))


def _integers(column: pa.ChunkedArray) -> EncodedColumn:
    valid = _validity(column)
    values = _numpy(pc.fill_null(column, 0))
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if low >= -(2**31) and high < 2**31:
        storage, values = "Int32Array", values.astype(np.int32)
    elif low >= -_EXACT and high <= _EXACT:
        storage, values = "Float64Array", values.astype(np.float64)
    else:
        storage = "BigUint64Array" if values.dtype == np.uint64 else "BigInt64Array"
        values = values.astype(np.uint64 if values.dtype == np.uint64 else np.int64)
    return EncodedColumn("integer", storage, _base64(values), valid)


def _texts(kind: str, values: Sequence[str | None]) -> EncodedColumn:
    encoded = pa.array(values, pa.string()).dictionary_encode()
    codes = _numpy(pc.fill_null(encoded.indices, -1)).astype(np.int32)
    return EncodedColumn(kind, "codes", _base64(codes), "", tuple(encoded.dictionary.to_pylist()))


def _validity(column: pa.ChunkedArray) -> str:
    return _bits(_numpy(column.is_valid())) if column.null_count else ""


def _numpy(column: pa.ChunkedArray | pa.Array) -> NDArray[Any]:
    return np.asarray(column.to_numpy() if isinstance(column, pa.ChunkedArray) else column.to_numpy(False))


def _bits(values: NDArray[Any]) -> str:
    return _base64(np.packbits(values.astype(bool), bitorder="little"))


def _base64(values: NDArray[Any]) -> str:
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(np.ascontiguousarray(little).tobytes()).decode("ascii")


def script_call(function: str, *arguments: Any) -> str:
    """Return a statement of JavaScript.

    ``*arguments``: what it is given: text, numbers, lists and dictionaries. Returns: one line of ASCII. Each
    argument goes through ``JSON.parse``, where a key ``__proto__`` is a key like any other.
    """
    words = (json.dumps(json.dumps(argument, allow_nan=False)) for argument in arguments)
    return f"{function}({', '.join(f'JSON.parse({word})' for word in words)});\n"
