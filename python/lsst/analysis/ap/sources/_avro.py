"""Avro containers read within bounds, whatever they claim to hold."""

__all__ = ("BLOCK_LIMIT", "AvroError", "AvroSchema", "is_container", "read_container", "read_exactly")

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final, Protocol

from ._decompress import DecompressionError, decompress

BLOCK_LIMIT: Final = 2**26
"""Bytes that a block may have, compressed or not. One alert is in it, or some:
those of Rubin have a few hundred kB."""

_HEADER_LIMIT: Final = 2**24
_LEAF_LIMIT: Final = 100_000
_MAGIC: Final = b"Obj\x01"
_SYNC_BYTES: Final = 16
_SIZES: Final = {
    "null": 0,
    "boolean": 1,
    "int": 1,
    "long": 1,
    "float": 4,
    "double": 8,
    "bytes": 1,
    "string": 1,
}
"""Bytes that a value has at least (Apache Avro specification, "Binary Encoding")."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


type Type = str | list[Any] | dict[str, Any]


class AvroError(Exception):
    """Why a file, or a part of it, is no Avro that can be read."""


class AvroSchema:
    """How the records of a file are written, and which of their fields are read.

    Only simple fields are read, and records one level down with theirs: what
    an alert says of its source, and its stamps. Lists of earlier detections
    are passed over.

    Parameters
    ----------
    definition : `dict`
        The schema.

    Raises
    ------
    AvroError
        Raised when it is no schema of records, or one by which a few bytes
        stand for any number of values.
    """

    def __init__(self, definition: Any) -> None:
        import fastavro

        try:
            written: Any = fastavro.parse_schema(definition)
        except Exception as error:  # fastavro raises whatever is in the way
            raise AvroError(f"its schema cannot be understood ({_words(error)})") from error
        if not isinstance(written, dict) or written.get("type") != "record":
            raise AvroError("its records are no alerts")
        self.written: dict[str, Any] = written
        self._named: dict[str, dict[str, Any]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        size, _ = self._measure(self.written, ())
        if size == 0:
            raise AvroError("its records may be empty")
        self._defined: set[str] = set()
        self.wanted = self._simplified(self.written, 1)

    @property
    def name(self) -> str:
        """The schema's name with its namespace, such as ``ztf.alert``."""
        return str(self.written.get("name", ""))

    @property
    def fields(self) -> Mapping[str, frozenset[str]]:
        """The fields that are read, and those of each that is a record."""
        found = {}
        for field in self.wanted["fields"]:
            kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
            records = [self._named[k] if isinstance(k, str) and k in self._named else k for k in kinds]
            names = [f["name"] for r in records if isinstance(r, dict) for f in r.get("fields", ())]
            found[field["name"]] = frozenset(names)
        return found

    def read(self, stream: "_Bytes") -> Mapping[str, Any]:
        """Return the next record.

        Parameters
        ----------
        stream : `_Bytes`
            Its bytes, and those of the following ones.

        Returns
        -------
        record : `~collections.abc.Mapping`
            Values by field.
        """
        import fastavro

        record: Any = fastavro.schemaless_reader(stream, self.written, self.wanted)
        return dict(record)

    def _measure(self, kind: Type, above: tuple[str, ...]) -> tuple[int, int]:
        """Return the least bytes of a value, and how many simple values it is made of.

        A type that contains itself would need a stack as deep as its data,
        and a list of values of no bytes may be any number long.
        """
        if isinstance(kind, list):
            return 1, max((self._measure(part, above)[1] for part in kind), default=1)
        if isinstance(kind, str):
            if kind in _SIZES:
                return _SIZES[kind], 1
            if kind in above:
                raise AvroError(f"its type {kind} contains itself")
            return self._sizes[kind]
        match kind["type"]:
            case "array":
                size, leaves = self._measure(kind["items"], above)
                if size == 0:
                    raise AvroError("its schema has lists of values of no bytes")
                return 1, leaves
            case "map":
                return 1, self._measure(kind["values"], above)[1]
            case "enum" | "fixed":
                self._named[kind["name"]] = kind
                found = (1, 1) if kind["type"] == "enum" else (int(kind["size"]), 1)
            case "record" | "error":
                self._named[kind["name"]] = kind
                parts = [self._measure(field["type"], (*above, kind["name"])) for field in kind["fields"]]
                found = sum(size for size, _ in parts), 1 + sum(leaves for _, leaves in parts)
                if found[1] > _LEAF_LIMIT:
                    raise AvroError(f"its schema has more than {_LEAF_LIMIT} fields")
            case inner:
                return self._measure(inner, above)
        self._sizes[kind["name"]] = found
        return found

    def _simplified(self, record: dict[str, Any], levels: int) -> dict[str, Any]:
        """Return a record without the fields that are not read."""
        self._defined.add(record["name"])
        fields = []
        for field in record["fields"]:
            if (kind := self._simple(field["type"], levels)) is not None:
                fields.append({"name": field["name"], "type": kind})
        return {"type": "record", "name": record["name"], "fields": fields}

    def _simple(self, kind: Type, levels: int) -> Type | None:
        if isinstance(kind, list):
            parts = [self._simple(part, levels) for part in kind]
            return None if None in parts else parts
        if isinstance(kind, str) and kind in self._named:
            if kind in self._defined:
                return kind
            kind = self._named[kind]
        if isinstance(kind, str):
            return kind
        match kind["type"]:
            case "array" | "map":
                return None
            case "record":
                return self._simplified(kind, levels - 1) if levels else None
            case "enum" | "fixed":
                self._defined.add(kind["name"])
        return kind


class _Bytes(io.BytesIO):
    """Bytes that end in an error, where passing over a list could go on for ever."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            raise EOFError("a value has fewer than no bytes")
        found = super().read(size)
        if len(found) < size:
            raise EOFError("it ends within a value")
        return found


@dataclass(frozen=True, slots=True)
class Block:
    """What a container has between two marks."""

    records: list[Mapping[str, Any]]
    """Those that could be read."""

    problem: str | None = None
    """Why there are no more of them; `None` when that is all."""


def is_container(start: bytes) -> bool:
    """Return whether a file is an Avro container.

    Parameters
    ----------
    start : `bytes`
        How it begins.

    Returns
    -------
    is_container : `bool`
        Told by its first four bytes.
    """
    return start[: len(_MAGIC)] == _MAGIC


def read_container(stream: IO[bytes]) -> tuple[AvroSchema, Iterator[Block]]:
    """Read an Avro container.

    Parameters
    ----------
    stream : file
        The container, from its beginning.

    Returns
    -------
    schema : `AvroSchema`
        How its records are written.
    blocks : iterator of `Block`
        Its records. After a block that is damaged the next mark is searched
        for.

    Raises
    ------
    AvroError
        Raised when its header is not that of a container of records.
    """
    read_exactly(stream, len(_MAGIC))
    header: dict[str, bytes] = {}
    while count := _read_long(stream):
        if count < 0:
            count, _ = -count, _read_long(stream)
        for _ in range(count):
            name = _read_sized(stream).decode(errors="replace")
            header[name] = _read_sized(stream)
    mark = read_exactly(stream, _SYNC_BYTES)
    try:
        schema = AvroSchema(json.loads(header["avro.schema"]))
    except (KeyError, ValueError, RecursionError) as error:
        raise AvroError(f"it has no schema ({_words(error)})") from error
    return schema, _blocks(stream, schema, header.get("avro.codec", b"null").decode(errors="replace"), mark)


def _blocks(stream: IO[bytes], schema: AvroSchema, codec: str, mark: bytes) -> Iterator[Block]:
    source = _Source(stream)
    while source.begin():
        try:
            count, size = _read_long(source), _read_long(source)
            if not 0 <= size <= BLOCK_LIMIT:
                raise AvroError(f"a block of {size} bytes is too large")
            content = read_exactly(source, size)
            if read_exactly(source, _SYNC_BYTES) != mark:
                raise AvroError("a block does not end with the mark of the file")
        except AvroError as error:
            yield Block([], str(error))
            if not source.find(mark):
                return
            continue
        yield _read_block(schema, codec, content, count)


class _Source:
    """A stream that can go back to where its present block began."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._ahead = b""
        self._taken: list[bytes] = []

    def begin(self) -> bool:
        """Begin a block; return whether there is another one."""
        self._taken = []
        self._ahead = self._ahead or self._stream.read(1)
        return self._ahead != b""

    def read(self, size: int) -> bytes:
        found, self._ahead = self._ahead[:size], self._ahead[size:]
        if len(found) < size:
            found += self._stream.read(size - len(found))
        self._taken.append(found)
        return found

    def find(self, mark: bytes) -> bool:
        """Go behind the next mark after the beginning of the block, if there is one."""
        window = b"".join(self._taken) + self._ahead
        while (place := window.find(mark)) < 0:
            if not (chunk := self._stream.read(2**16)):
                return False
            window = window[-len(mark) :] + chunk
        self._ahead = window[place + len(mark) :]
        return True


def _read_block(schema: AvroSchema, codec: str, content: bytes, count: int) -> Block:
    records: list[Mapping[str, Any]] = []
    try:
        data = decompress(codec, content, BLOCK_LIMIT)
        if not 0 <= count <= len(data):  # no record is empty
            raise AvroError(f"a block of {len(data)} bytes cannot have {count} records")
        stream = _Bytes(data)
        while len(records) < count:
            records.append(schema.read(stream))
        if stream.tell() != len(data):
            raise AvroError("a block has more bytes than its records")
    except (AvroError, DecompressionError) as error:
        return Block(records, str(error))
    except Exception as error:  # fastavro raises whatever damaged bytes lead to
        return Block(records, _words(error))
    return Block(records)


def read_one(schema: AvroSchema, content: bytes) -> Mapping[str, Any] | None:
    """Return the record that some bytes are, whole.

    Parameters
    ----------
    schema : `AvroSchema`
        How it would be written.
    content : `bytes`
        The bytes.

    Returns
    -------
    record : `~collections.abc.Mapping` or `None`
        `None` when they are not exactly one record of that schema.
    """
    stream = _Bytes(content)
    try:
        record = schema.read(stream)
    except Exception:  # the wrong schema can lead anywhere
        return None
    return record if stream.tell() == len(content) else None


def read_exactly(stream: _Readable, size: int) -> bytes:
    """Return a number of bytes.

    Parameters
    ----------
    stream : file
        Where they are.
    size : `int`
        How many.

    Returns
    -------
    data : `bytes`
        The bytes.

    Raises
    ------
    AvroError
        Raised when there are fewer.
    """
    found = stream.read(size)
    if len(found) < size:
        raise AvroError("it is cut off")
    return found


def _read_long(stream: _Readable) -> int:
    """Return an integer in zig-zag notation, of at most 64 bits."""
    value = 0
    for place in range(10):
        (byte,) = read_exactly(stream, 1)
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1)
    raise AvroError("a number in it has no end")


def _read_sized(stream: _Readable) -> bytes:
    if not 0 <= (size := _read_long(stream)) <= _HEADER_LIMIT:
        raise AvroError(f"its header has a value of {size} bytes")
    return read_exactly(stream, size)


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
