"""Columns of any make as Arrow arrays of types that Arrow can compute with."""

__all__ = ("arrow_array", "join_tables", "keep_pandas_out", "reals", "text_array", "utf8_array")

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_ARROW_ERRORS: Final = (pa.ArrowException, ValueError, TypeError, OverflowError, UnicodeError)

_KEPT: Final = (
    pa.types.is_null,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_float32,
    pa.types.is_float64,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
"""Types that stay as they are; nested ones do when all their parts do."""


def arrow_array(values: Any) -> pa.ChunkedArray:
    """Return a column as an Arrow array.

    NaN, NaT and masked values of NumPy and pandas are null. Returns: truth values, whole numbers, floats,
    text, bytes, or lists and structures of these. Whatever has no such type has become text: times, mixed
    objects, complex numbers. Bytes that are not UTF-8 are replaced in text.
    """
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return _plain_types(values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values]))
    if isinstance(getattr(values, "dtype", None), np.dtype):
        values = _native(np.asarray(values))
    try:
        found = pa.array(values, from_pandas=True)
        if pa.types.is_temporal(found.type):  # among which Arrow counts plain numbers beside a time
            found = text_array(_objects(values))
    except _ARROW_ERRORS:  # mixed objects, complex numbers, odd lengths of time
        found = text_array(_objects(values))
    return _plain_types(found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found]))


def _objects(values: Any) -> Sequence[Any]:
    if isinstance(values, np.ndarray) and values.dtype.kind in "Mm":
        # Python's own times end in the year 9999, and have no nanoseconds.
        return [None if text == "NaT" else text for text in values.astype(str).tolist()]
    found: Sequence[Any] = values.tolist() if hasattr(values, "tolist") else values
    return found


def text_array(values: Sequence[Any]) -> pa.Array:
    """Return the text of some objects as Python writes it; null where there is no value."""
    return pa.array([_text(value) for value in values], pa.string())


def join_tables(tables: Iterable[pa.Table]) -> pa.Table:
    """Put tables of one catalogue under each other.

    ``tables``: one table or more. A column may be missing in some, or be of another type. Returns: all their
    rows. A column whose types have nothing in common is text.
    """
    parts = list(tables)
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        pass
    kinds: dict[str, pa.DataType] = {}
    for part in parts:
        for field in part.schema:
            kinds[field.name] = _common_type(kinds.get(field.name, field.type), field.type)
    for number, part in enumerate(parts):
        for place, field in enumerate(part.schema):
            if pa.types.is_string(kinds[field.name]) and not pa.types.is_string(field.type):
                parts[number] = parts[number].set_column(place, field.name, _as_text(part.column(place)))
    return pa.concat_tables(parts, promote_options="permissive")


def _common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """Return a type that holds the values of two, text where there is no other."""
    schemas = [pa.schema([("x", kind)]) for kind in (one, other)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.string()


def _text(value: Any) -> str | None:
    if value is None or value is np.ma.masked or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode(errors="replace")
    try:
        text = str(value)
    except Exception:  # an object may have no text at all
        text = f"<{type(value).__name__}>"
    if text in ("<NA>", "NaT"):  # what pandas has for null
        return None
    return text.encode(errors="replace").decode()


def _native(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array in the byte order and the precisions that Arrow knows."""
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        return values.astype(np.float64)
    if values.dtype.kind == "S":
        # Text of FITS; a plain list would become bytes.
        return np.array(text_array(values.tolist()).to_pylist(), dtype=object)
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def _plain_types(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as one of a type that filters, sorts and joins."""
    kind = column.type
    for matches, convert in _CONVERSIONS:
        if matches(kind):
            try:
                return convert(column)
            except _ARROW_ERRORS:
                return _as_text(column)
    return column if _is_plain(kind) else _as_text(column)


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_string(kind) or any(matches(kind) for matches in _KEPT):
        return True
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _is_plain(kind.value_type)
    return pa.types.is_struct(kind) and all(_is_plain(kind.field(i).type) for i in range(kind.num_fields))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return utf8_array(column.cast(pa.string()))
    except _ARROW_ERRORS:
        return _each_as_text(column)


def _each_as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([text_array([_object(scalar) for scalar in column])])


def _object(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except _ARROW_ERRORS:  # bytes in a nested text, a time that Python has no word for
        return f"<{scalar.type}>"


def utf8_array(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text that is UTF-8; files do not always keep that promise.

    ``column``: text or bytes. Returns: text, with U+FFFD in place of bytes that are no part of any.
    """
    raw = column.cast(pa.large_binary())
    try:
        return raw.cast(pa.large_string()).cast(pa.string())
    except _ARROW_ERRORS:
        return pa.chunked_array([text_array(raw.to_pylist())])


def _expanded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    chunks = [pc.run_end_decode(chunk) for chunk in column.chunks]
    return _plain_types(pa.chunked_array(chunks, column.type.value_type))


def _stored(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return _plain_types(pa.chunked_array([c.storage for c in column.chunks], column.type.storage_type))


def _number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return decimals as whole numbers, which need all their digits, or else as floats."""
    try:
        return column.cast(pa.int64())
    except _ARROW_ERRORS:
        return column.cast(pa.float64(), safe=False)


_CONVERSIONS: Final[tuple[tuple[Callable[[pa.DataType], bool], Callable[[Any], pa.ChunkedArray]], ...]] = (
    (pa.types.is_dictionary, lambda column: _plain_types(column.cast(column.type.value_type))),
    (pa.types.is_run_end_encoded, _expanded),
    (lambda kind: isinstance(kind, pa.BaseExtensionType), _stored),
    (pa.types.is_float16, lambda column: column.cast(pa.float32())),
    (pa.types.is_decimal, _number),
    (pa.types.is_duration, _each_as_text),  # with units, where Arrow would have a mere number
    (
        lambda k: pa.types.is_string(k) or pa.types.is_large_string(k) or pa.types.is_string_view(k),
        utf8_array,
    ),
    (lambda k: pa.types.is_binary_view(k) or pa.types.is_fixed_size_binary(k), lambda c: c.cast(pa.binary())),
)
"""Which types are changed, and how."""


def reals(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a column of numbers in double precision, NaN where there is none."""
    return np.asarray(table.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)


def keep_pandas_out() -> None:
    """Let pyarrow go without pandas for as long as nobody wants a frame.

    pyarrow loads pandas when it converts its first number or list, in case that is a Series: a tenth of the
    start of a command. Once told that there is none, it looks again when a frame is to be converted from or
    to. For processes of this package alone: in between, a Series would be an array like any other.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.scalar(0)
    finally:
        sys.meta_path.remove(_NoPandas)


class _NoPandas:
    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)
